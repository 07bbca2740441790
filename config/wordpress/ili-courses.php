<?php
/**
 * Plugin Name: iliwordpress courses
 * Description: Courses, course dates and trainers as post types that integrator's import-courses can fill over the REST API.
 * Version:     1.1.0
 *
 * Post types
 *   course       one per Maconomy main course, slug mc-<main course id>
 *   course_date  one per Maconomy course number, slug cd-<course number>
 *   trainer      kept by editors; nothing of ours writes it, and send-participants reads its e-mail address
 *
 * Who owns a field is in its name, and WordPress itself enforces it:
 *   mac_*   comes from Maconomy: written by the role course_sync (and administrators)
 *   ed_*    enrichment: written by editors and administrators, never by the import
 * A page shows ed_x where it has a value and mac_x otherwise.
 *
 * Every key here is readable by anyone on a published post, but for those in private_keys(): register nothing
 * about people who attend.
 */

namespace Ili\Courses;

defined( 'ABSPATH' ) || exit;

const SYNC_ROLE = 'course_sync';

/**
 * The keys of each type. WordPress writes the keys of one request in THIS order and stops at
 * the first bad one, so the identity stands first: a half-written post can still be found.
 */
function meta_keys() {
	return array(
		'course'      => array(
			'mac_id'          => 'string',
			'mac_title'       => 'string',
			'mac_description' => 'string',
			'mac_language'    => 'string',
			'mac_currency'    => 'string',
			'mac_hash'        => 'string',
			'mac_synced_at'   => 'string',
			'mac_price_minor' => 'integer',
			'ed_teaser'       => 'string',
		),
		'course_date' => array(
			'mac_id'            => 'string',
			'mac_maincourse_id' => 'string',
			'mac_start'         => 'string',
			'mac_end'           => 'string',
			'mac_venue'         => 'string',
			'mac_city'          => 'string',
			'mac_language'      => 'string',
			'mac_currency'      => 'string',
			'mac_status'        => 'string',
			'mac_hash'          => 'string',
			'mac_synced_at'     => 'string',
			'mac_missing_since' => 'string',
			'mac_price_minor'   => 'integer',
			'mac_seats_total'   => 'integer',
			'mac_seats_free'    => 'integer',
			'mac_course_post'   => 'integer',
			'mac_days'          => 'array',
			'ed_times'          => 'string',
			'ed_trainer_note'   => 'string',
			'ed_venue_note'     => 'string',
			'ed_trainers'       => 'integer', // several rows: post ids of trainers
		),
		'trainer'     => array(
			'ed_email' => 'string', // where the participant list of a course date goes
		),
	);
}

/** Keys that visitors never see: the REST API shows them with context=edit only, which asks for the right to edit. */
function private_keys() {
	return array( 'ed_email' );
}

/** What the REST API offers of a key. */
function shown_in_rest( $key ) {
	if ( in_array( $key, private_keys(), true ) ) {
		return array( 'schema' => array( 'context' => array( 'edit' ) ) );
	}
	return 'mac_days' === $key ? array( 'schema' => days_schema() ) : true;
}

/** The days of a course date, a list of objects kept in one row. */
function days_schema() {
	return array(
		'type'  => 'array',
		'items' => array(
			'type'                 => 'object',
			'additionalProperties' => false,
			'properties'           => array(
				'date'  => array( 'type' => 'string', 'format' => 'date-time' ),
				'from'  => array( 'type' => 'string' ),
				'to'    => array( 'type' => 'string' ),
				'venue' => array( 'type' => 'string' ),
			),
		),
	);
}

/** Ownership by prefix. That the user may edit the post at all, WordPress has asked before. */
function may_write( $allowed, $meta_key, $post_id, $user_id ) {
	$user  = get_userdata( $user_id );
	$owner = 0 === strpos( $meta_key, 'ed_' ) ? 'editor' : SYNC_ROLE;
	return $user && array_intersect( array( 'administrator', $owner ), $user->roles );
}

function register_types() {
	// 'custom-fields' is what makes the REST API offer "meta" for a type at all.
	$types = array(
		'course'      => array( 'Courses', array( 'title', 'editor', 'excerpt', 'custom-fields', 'revisions', 'thumbnail' ) ),
		'course_date' => array( 'Course dates', array( 'title', 'custom-fields' ) ),
		'trainer'     => array( 'Trainers', array( 'title', 'editor', 'custom-fields' ) ),
	);
	foreach ( $types as $type => list( $label, $supports ) ) {
		register_post_type(
			$type,
			array(
				'label'           => $label,
				'supports'        => $supports,
				'public'          => true,
				'show_in_rest'    => true,
				'has_archive'     => false,
				'capability_type' => 'post',
				'map_meta_cap'    => true,
			)
		);
	}
}

function register_meta_keys() {
	foreach ( meta_keys() as $type => $keys ) {
		foreach ( $keys as $key => $value_type ) {
			register_post_meta(
				$type,
				$key,
				array(
					'type'          => $value_type,
					'single'        => 'ed_trainers' !== $key,
					'show_in_rest'  => shown_in_rest( $key ),
					'auth_callback' => __NAMESPACE__ . '\may_write',
				)
			);
		}
	}
}

/**
 * The import's role: it may write all posts and delete none; its HTML is cleaned (no unfiltered_html);
 * no uploads, pages or settings.
 */
function add_sync_role() {
	if ( wp_installing() ) {
		return;
	}
	$capabilities = array(
		'read',
		'edit_posts',
		'edit_others_posts',
		'edit_published_posts',
		'edit_private_posts',
		'publish_posts',
		'read_private_posts',
	);
	$wanted = array_fill_keys( $capabilities, true );
	$role   = get_role( SYNC_ROLE );
	if ( $role && $role->capabilities != $wanted ) {
		remove_role( SYNC_ROLE ); // An older version of this file gave it others.
		$role = null;
	}
	if ( ! $role ) {
		add_role( SYNC_ROLE, 'Course sync', $wanted );
	}
}

add_action(
	'init',
	function () {
		register_types();
		register_meta_keys();
		add_sync_role();
	}
);

/*
 * An open edit form posts back every row of its "Custom fields" box as it was when the form
 * was opened. Protected keys are not in that box, so an administrator's form cannot put back
 * last hour's price or seats. Over the REST API may_write() decides alone.
 */
add_filter(
	'is_protected_meta',
	function ( $is_protected, $meta_key ) {
		return $is_protected || 0 === strpos( $meta_key, 'mac_' );
	},
	10,
	2
);

/*
 * The block editor sends all of "meta" back as soon as one key has changed. Keys that the user
 * may not write are dropped when they are sent back unchanged; a changed one is still refused.
 */
function drop_unchanged( $prepared, $request ) {
	if ( empty( $prepared->ID ) || ! is_array( $request['meta'] ) ) {
		return $prepared;
	}
	$fields = new \WP_REST_Post_Meta_Fields( get_post_type( $prepared->ID ) );
	$stored = $fields->get_value( $prepared->ID, $request );
	$kept   = array();
	foreach ( $request['meta'] as $key => $value ) {
		$same = array_key_exists( $key, $stored ) && wp_json_encode( $value ) === wp_json_encode( $stored[ $key ] );
		if ( ! $same || current_user_can( 'edit_post_meta', $prepared->ID, $key ) ) {
			$kept[ $key ] = $value;
		}
	}
	$request['meta'] = $kept;
	return $prepared;
}

foreach ( array( 'course', 'course_date' ) as $ili_type ) {
	add_filter( "rest_pre_insert_{$ili_type}", __NAMESPACE__ . '\drop_unchanged', 10, 2 );
}

/*
 * What a save does not change stays as it is, byte for byte.
 *
 * WordPress (seen on 6.1.9 and 7.1; kses_init_filters() over wp_update_post()): whatever somebody without
 * unfiltered_html saves, title, content and excerpt of the WHOLE post are cleaned again, also when only
 * meta or the status was sent, also when the post goes into the trash. The import would take the
 * <iframe> out of an editor's text and make "A &amp; B" of the title "A & B" without having named either.
 *
 * A text that arrives exactly as it is stored was not written by whoever saves: it is kept. Any other one
 * has been through WordPress's cleaning, as ever. No filter is switched off for that, so nothing has to be
 * switched on again after an error or before the next part of a batch. A revision is compared with its
 * post: it is a copy of it, and a copy without the <iframe> would lose it on the day it is restored.
 *
 * This may go when WordPress cleans only the fields that were sent.
 */
function keep_unchanged_texts( $data, $postarr, $unsanitized ) {
	if ( current_user_can( 'unfiltered_html' ) ) {
		return $data;
	}
	$of = 'revision' === $data['post_type'] ? $data['post_parent'] : ( isset( $postarr['ID'] ) ? $postarr['ID'] : 0 );
	if ( ! $of || ! in_array( get_post_type( $of ), array( 'course', 'course_date', 'trainer' ), true ) ) {
		return $data;
	}
	foreach ( array( 'post_title', 'post_content', 'post_excerpt' ) as $field ) {
		// What comes in and what goes out is slashed, what is stored is not.
		$stored = get_post_field( $field, $of, 'raw' );
		if ( isset( $unsanitized[ $field ] ) && wp_unslash( $unsanitized[ $field ] ) === $stored ) {
			$data[ $field ] = wp_slash( $stored );
		}
	}
	return $data;
}
add_filter( 'wp_insert_post_data', __NAMESPACE__ . '\keep_unchanged_texts', PHP_INT_MAX, 3 );

/*
 * Look-up by Maconomy's id on the standard lists:
 *   GET /wp/v2/course_date?mac_id=25172-04,25173-01&status=any
 * It narrows a list and shows nothing the caller could not list without it.
 */
foreach ( array( 'course', 'course_date' ) as $ili_type ) {
	add_filter(
		"rest_{$ili_type}_collection_params",
		function ( $params ) {
			$params['mac_id'] = array(
				'description' => 'Limit to posts with these Maconomy ids.',
				'type'        => 'array',
				'items'       => array( 'type' => 'string', 'pattern' => '^[0-9A-Za-z_-]{1,64}$' ),
			);
			return $params;
		}
	);
	add_filter(
		"rest_{$ili_type}_query",
		function ( $args, $request ) {
			if ( ! empty( $request['mac_id'] ) ) {
				$args['meta_query'][] = array(
					'key'     => 'mac_id',
					'value'   => $request['mac_id'],
					'compare' => 'IN',
				);
			}
			return $args;
		},
		10,
		2
	);
}
