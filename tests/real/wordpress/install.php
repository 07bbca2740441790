<?php
/**
 * Run by wordpress_up.sh on the command line, as www-data.
 *
 *   REAL_WORDPRESS_STEP=site    installs the site
 *   REAL_WORDPRESS_STEP=users   makes the three users, gives each a fresh application
 *                               password and prints these as JSON; the log-in page takes
 *                               REAL_WORDPRESS_ADMIN_PW from all three
 */

$_SERVER['HTTP_HOST']        = '127.0.0.1:' . getenv( 'REAL_WORDPRESS_PORT' );
$_SERVER['SERVER_NAME']      = '127.0.0.1';
$_SERVER['REQUEST_URI']      = '/';
$_SERVER['REQUEST_METHOD']   = 'GET';
$_SERVER['WORDPRESS_CONFIG'] = getenv( 'WORDPRESS_CONFIG' );
define( 'WP_INSTALLING', 'site' === getenv( 'REAL_WORDPRESS_STEP' ) );

// The installer writes to the administrator; there is no mail server here.
function wp_mail() {
	return true;
}

require '/usr/share/wordpress/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

if ( WP_INSTALLING ) {
	wp_install( 'iliwordpress (test)', 'admin', 'admin@example.org', true, '', getenv( 'REAL_WORDPRESS_ADMIN_PW' ) );
	update_option( 'timezone_string', 'Europe/Copenhagen' );
	update_option( 'permalink_structure', '/%postname%/' );
	exit;
}

$passwords = array();
foreach ( array( 'admin' => 'administrator', 'editor' => 'editor', 'sync' => 'course_sync' ) as $login => $role ) {
	$user = get_user_by( 'login', $login );
	$id   = $user ? $user->ID : wp_insert_user(
		array(
			'user_login' => $login,
			'user_pass'  => getenv( 'REAL_WORDPRESS_ADMIN_PW' ),
			'user_email' => $login . '@example.org',
			'role'       => $role,
		)
	);
	if ( is_wp_error( $id ) ) {
		fwrite( STDERR, $id->get_error_message() . "\n" );
		exit( 1 );
	}
	WP_Application_Passwords::delete_all_application_passwords( $id );
	$made = WP_Application_Passwords::create_new_application_password( $id, array( 'name' => 'tests' ) );
	if ( is_wp_error( $made ) ) {
		fwrite( STDERR, $made->get_error_message() . "\n" );
		exit( 1 );
	}
	$passwords[ $login ] = $made[0];
}
flush_rewrite_rules();
echo wp_json_encode( $passwords ), "\n";
