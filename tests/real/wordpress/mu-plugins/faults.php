<?php
/**
 * Tests only (the site listens on loopback): faults on request.
 *
 *   before:503        answer 503 before anything is written
 *   after:500         let the request do its work, then answer 500
 *   after:fatal       do the work, then die with an uncaught PHP error
 *   sleep-before:N    wait N seconds, then work
 *   sleep-after:N     work, then wait N seconds before answering
 *   notice            print a PHP warning in front of the JSON
 *   login-page        do the work, answer 200 with an HTML page (a cache, a log-in wall)
 *   429               answer 429 with Retry-After: 2, as a host's firewall does
 *
 * A test asks with the header X-Bench-Fault, or, when the request is made by the program under
 * test, with wp-content/fault.json: {"fault": "after:500", "method": "POST", "path": "/wp/v2/course",
 * "times": 1, "every": 1}. `path` is a part of the request's URL; of the requests that match, each
 * `every`-th one suffers, `times` in all. The file goes away when it has been used up.
 * In a batch the fault is that of the whole batch, not of its parts.
 */

namespace Ili\Faults;

defined( 'ABSPATH' ) || exit;

/** The fault armed for this request, or ''. Two PHP workers may ask at once: hence the lock. */
function armed() {
	$path = WP_CONTENT_DIR . '/fault.json';
	$file = is_file( $path ) ? fopen( $path, 'r+' ) : false;
	if ( ! $file ) {
		return '';
	}
	flock( $file, LOCK_EX );
	$rule = json_decode( stream_get_contents( $file ), true );
	if ( ! $rule || $rule['times'] < 1 || $rule['method'] !== $_SERVER['REQUEST_METHOD'] || false === strpos( $_SERVER['REQUEST_URI'], $rule['path'] ) ) {
		return '';
	}
	$rule['seen'] = 1 + ( isset( $rule['seen'] ) ? $rule['seen'] : 0 );
	$strikes      = 0 === $rule['seen'] % $rule['every'];
	$rule['times'] -= $strikes ? 1 : 0;
	ftruncate( $file, 0 );
	rewind( $file );
	fwrite( $file, wp_json_encode( $rule ) );
	if ( 0 === $rule['times'] ) {
		unlink( $path );
	}
	fclose( $file );
	return $strikes ? $rule['fault'] : '';
}

function pause( $seconds ) {
	usleep( (int) ( 1e6 * min( 60, (float) $seconds ) ) );
}

function before( $result, $kind, $argument ) {
	if ( 'before' === $kind ) {
		return new \WP_Error( 'bench_fault', 'Injected before the work.', array( 'status' => (int) $argument ) );
	}
	if ( '429' === $kind ) {
		header( 'Retry-After: 2' );
		return new \WP_Error( 'bench_throttle', 'Too many requests.', array( 'status' => 429 ) );
	}
	if ( 'sleep-before' === $kind ) {
		pause( $argument );
	}
	if ( 'notice' === $kind ) {
		echo "<br />\n<b>Warning</b>:  Undefined variable \$x in <b>/some/plugin.php</b> on line <b>1</b><br />\n";
	}
	return $result;
}

function after( $response, $kind, $argument ) {
	if ( 'sleep-after' === $kind ) {
		pause( $argument );
	}
	if ( 'after' === $kind && 'fatal' === $argument ) {
		throw new \Error( 'Injected after the work.' );
	}
	if ( 'after' === $kind ) {
		return rest_convert_error_to_response( new \WP_Error( 'bench_fault', 'Injected after the work.', array( 'status' => (int) $argument ) ) );
	}
	if ( 'login-page' === $kind ) {
		header( 'Content-Type: text/html; charset=UTF-8' );
		exit( '<!DOCTYPE html><title>Log in</title><form method="post"></form>' );
	}
	return $response;
}

$ili_fault = isset( $_SERVER['HTTP_X_BENCH_FAULT'] ) ? $_SERVER['HTTP_X_BENCH_FAULT'] : ( isset( $_SERVER['REQUEST_METHOD'] ) ? armed() : '' );
if ( '' !== $ili_fault ) {
	list( $ili_kind, $ili_argument ) = array_pad( explode( ':', $ili_fault, 2 ), 2, '' );

	$ili_outer = null; // the parts of a batch pass through the same hooks
	add_filter(
		'rest_pre_dispatch',
		function ( $result, $server, $request ) use ( $ili_kind, $ili_argument, &$ili_outer ) {
			if ( null !== $ili_outer ) {
				return $result;
			}
			$ili_outer = $request;
			return before( $result, $ili_kind, $ili_argument );
		},
		PHP_INT_MAX,
		3
	);
	add_filter(
		'rest_post_dispatch',
		function ( $response, $server, $request ) use ( $ili_kind, $ili_argument, &$ili_outer ) {
			return $request === $ili_outer ? after( $response, $ili_kind, $ili_argument ) : $response;
		},
		10,
		3
	);
}
