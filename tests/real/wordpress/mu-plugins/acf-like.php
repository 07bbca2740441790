<?php
/**
 * Tests only: stands for one ACF field group on course_date, as ACF shows it over REST.
 *
 *   acf.ledige   number, empty reads as "" and is written as null
 *   acf.lokale   text
 *
 * Like ACF: the values are plain post meta of the same name, which an editor changes in the edit
 * form; writes are partial, key by key; unknown names are ignored; a bad value is refused before
 * anything is written. Unlike ACF, a batch is validated too (core does it for registered fields).
 */

namespace Ili\AcfLike;

defined( 'ABSPATH' ) || exit;

function read( $post ) {
	$ledige = get_post_meta( $post['id'], 'ledige', true );
	return array(
		'ledige' => is_numeric( $ledige ) ? (int) $ledige : '',
		'lokale' => (string) get_post_meta( $post['id'], 'lokale', true ),
	);
}

function write( $values, $post ) {
	foreach ( array( 'ledige', 'lokale' ) as $name ) {
		if ( ! array_key_exists( $name, (array) $values ) ) {
			continue;
		}
		if ( null === $values[ $name ] ) {
			delete_post_meta( $post->ID, $name );
		} else {
			update_post_meta( $post->ID, $name, wp_slash( $values[ $name ] ) );
		}
	}
}

add_action(
	'rest_api_init',
	function () {
		register_rest_field(
			'course_date',
			'acf',
			array(
				'get_callback'    => __NAMESPACE__ . '\read',
				'update_callback' => __NAMESPACE__ . '\write',
				'schema'          => array(
					'description' => 'ACF field data',
					'type'        => 'object',
					'properties'  => array(
						'ledige' => array( 'type' => array( 'integer', 'null' ) ),
						'lokale' => array( 'type' => array( 'string', 'null' ) ),
					),
				),
			)
		);
	}
);
