#!/bin/bash
# Boots a real WordPress (Debian's packages) on 127.0.0.1:PORT: its own MariaDB, PHP-FPM and
# nginx, the mu-plugin we ship, the test plugins beside this file, and three users with
# application passwords. Run it again at any time: what runs is kept, what was killed is
# started again, the mu-plugins are refreshed. Needs root; installs missing packages.
#
#   bash tests/real/wordpress/wordpress_up.sh [PORT]
#
#   REAL_WORDPRESS_PORT     when PORT is not given            (default 8089)
#   REAL_WORDPRESS_STATE    folder for everything it writes   (default ${TMPDIR:-/tmp}/real-wordpress-PORT)
#   REAL_WORDPRESS_WORKERS  PHP workers                       (default 2)
#
# $STATE/credentials.json holds {"admin": …, "editor": …, "sync": …}, readable by root only.
set -euo pipefail
umask 022
port=${1:-${REAL_WORDPRESS_PORT:-8089}}
[[ $port =~ ^[0-9]{4,5}$ ]] || { echo "wordpress_up: PORT must be a number like 8089" >&2; exit 2; }
[[ $(id -u) == 0 ]] || { echo "wordpress_up: needs root (it starts MariaDB, PHP and nginx as www-data)" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shipped=$here/../../../config/wordpress/ili-courses.php
state=${REAL_WORDPRESS_STATE:-${TMPDIR:-/tmp}/real-wordpress-$port}
workers=${REAL_WORDPRESS_WORKERS:-2}
name=realwp$port
die() { echo "wordpress_up: $*" >&2; exit 1; }

mkdir -p "$state"/{run,log,tmp,dbrun,wp-content/{mu-plugins,plugins,uploads,themes/bare}}
exec 9>"$state/run/lock"
flock 9 # two boots at once: the second waits and then finds everything running

# --- packages ----------------------------------------------------------------------------
# mariadb-server-core and nginx are enough: no service is wanted, only the programs.
# php-fpm and nginx stand first: wordpress then does not ask for Apache.
packages=(php-fpm php nginx php-cli php-mysql php-xml php-mbstring php-curl
  mariadb-server-core mariadb-client curl procps wordpress)
missing=()
for p in "${packages[@]}"; do
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true) == installed ]] || missing+=("$p")
done
policy=/usr/sbin/policy-rc.d
drop_policy() { if grep -qs real-wordpress "$policy"; then rm -f "$policy"; fi; }
drop_policy # one that a killed boot left behind
if ((${#missing[@]})); then
  echo "installing: ${missing[*]}"
  trap drop_policy EXIT
  # Keeps the packages' services from starting; a policy the machine already has is respected.
  [[ -e $policy ]] || { printf '#!/bin/sh\n# real-wordpress\nexit 101\n' >"$policy"; chmod 755 "$policy"; }
  export DEBIAN_FRONTEND=noninteractive
  { dpkg --configure -a && apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >"$state/log/apt.log" 2>&1 9>&- || { tail -20 "$state/log/apt.log" >&2; die "could not install packages"; }
  drop_policy
fi
fpm=$(compgen -G '/usr/sbin/php-fpm[0-9]*' | sort -V | tail -1) || die "no php-fpm under /usr/sbin"

# --- processes ---------------------------------------------------------------------------
# Each service is the leader of a session of its own; its pid in run/ names that session.
leader() { cat "$state/run/$1.pid" 2>/dev/null || true; }
command_line() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || true; } # empty: gone, or not yet buried
alive() { local pid; pid=$(leader "$1"); [[ -n $pid && $(command_line "$pid") == *"$state"* ]]; }
# A leader that died by kill -9 leaves workers behind that still hold the socket or the port.
reap() {
  local pid; pid=$(leader "$1")
  if [[ -n $pid && -z $(command_line "$pid") ]]; then pkill -KILL -s "$pid" "$2" || true; fi
}
start() {
  local what=$1; shift
  # The program's own process notes the pid: nothing runs that a later boot does not know of.
  setsid bash -c 'echo $$ >"$0"; exec "$@"' "$state/run/$what.pid" "$@" >"$state/log/$what.out" 2>&1 </dev/null 9>&- &
}
wait_for() {
  local deadline=$((SECONDS + 40))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || die "timed out waiting for: $* (see $state/log)"
    sleep 0.1
  done
}
secret() { [[ -s $state/run/$1 ]] || (umask 077; head -c 18 /dev/urandom | base64 | tr -d '+/=' >"$state/run/$1"); }
as_www() { setpriv --reuid=www-data --regid=www-data --clear-groups "$@"; }

alive nginx || reap nginx nginx
if ! alive nginx && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then die "port $port is taken by something else"; fi
chmod 755 "$state"
secret dbpw; secret adminpw

# --- MariaDB: own data folder, a socket and no TCP -----------------------------------------
sock=$state/dbrun/db.sock
chown www-data:www-data "$state"/{dbrun,tmp,wp-content,wp-content/uploads}
if [[ ! -d $state/db ]]; then # moved into place when complete: a killed boot starts over
  rm -rf "$state/db.new" "$state/run/installed" "$state/credentials.json"
  mkdir "$state/db.new"; chown www-data:www-data "$state/db.new"
  mariadb-install-db --no-defaults --user=www-data --datadir="$state/db.new" --skip-test-db \
    --auth-root-authentication-method=socket >"$state/log/db-install.log" 2>&1 9>&- \
    || { tail -20 "$state/log/db-install.log" >&2; die "mariadb-install-db failed"; }
  mv "$state/db.new" "$state/db"
fi
if ! alive mariadb; then
  start mariadb mariadbd --no-defaults --user=www-data --datadir="$state/db" --tmpdir="$state/tmp" --socket="$sock" \
    --pid-file="$state/dbrun/db.pid" --skip-networking --innodb-buffer-pool-size=128M --performance-schema=0 \
    --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_520_ci
fi
wait_for mariadb-admin --no-defaults --socket="$sock" ping
sql() { mariadb --no-defaults --socket="$sock" -N -e "$1"; }

# --- WordPress's configuration (Debian reads /etc/wordpress/config-NAME.php) -----------------
(umask 077; cat >"/etc/wordpress/config-$name.php") <<PHP
<?php
define('DB_NAME', 'iliwp');
define('DB_USER', 'iliwp');
define('DB_PASSWORD', '$(cat "$state/run/dbpw")');
define('DB_HOST', 'localhost:$sock');
define('DB_CHARSET', 'utf8mb4');
define('WP_HOME', 'http://127.0.0.1:$port');
define('WP_SITEURL', 'http://127.0.0.1:$port');
define('WP_CONTENT_DIR', '$state/wp-content');
define('WP_CONTENT_URL', 'http://127.0.0.1:$port/wp-content');
define('WP_ENVIRONMENT_TYPE', 'local');   // application passwords over plain http
define('WP_DEFAULT_THEME', 'bare');
define('WP_HTTP_BLOCK_EXTERNAL', true);   // never talks to the outside
define('WP_ACCESSIBLE_HOSTS', '127.0.0.1');
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
PHP
chown www-data:www-data "/etc/wordpress/config-$name.php"
install -m 644 "$shipped" "$here"/mu-plugins/*.php "$state/wp-content/mu-plugins/"
install -m 644 "$here/install.php" "$state/install.php"
printf '/*\nTheme Name: Bare\n*/\n' >"$state/wp-content/themes/bare/style.css"
printf '<?php echo "bare";\n' >"$state/wp-content/themes/bare/index.php"

export REAL_WORDPRESS_PORT=$port WORDPRESS_CONFIG=$name
REAL_WORDPRESS_ADMIN_PW=$(cat "$state/run/adminpw"); export REAL_WORDPRESS_ADMIN_PW
if [[ ! -e $state/run/installed ]]; then # the marker comes last: a half-made site is made again
  sql "DROP DATABASE IF EXISTS iliwp; CREATE DATABASE iliwp CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
       CREATE OR REPLACE USER iliwp@localhost IDENTIFIED BY '$(cat "$state/run/dbpw")'; GRANT ALL ON iliwp.* TO iliwp@localhost;"
  REAL_WORDPRESS_STEP=site as_www php "$state/install.php" >"$state/log/install.log" 2>&1 9>&- || { cat "$state/log/install.log" >&2; die "install failed"; }
  rm -f "$state/credentials.json"
  touch "$state/run/installed"
fi
if [[ ! -s $state/credentials.json ]]; then
  (umask 077; REAL_WORDPRESS_STEP=users as_www php "$state/install.php" >"$state/credentials.new" 9>&-) \
    || { cat "$state/credentials.new" >&2; die "could not make the users"; }
  mv "$state/credentials.new" "$state/credentials.json"
fi

# --- PHP-FPM and nginx ---------------------------------------------------------------------
cat >"$state/php-fpm.conf" <<INI
[global]
pid = $state/run/fpm-own.pid
error_log = $state/log/php-fpm.log
daemonize = no
[$name]
user = www-data
group = www-data
listen = $state/run/fpm.sock
listen.owner = www-data
listen.group = www-data
pm = static
pm.max_children = $workers
catch_workers_output = yes
php_admin_value[memory_limit] = 256M
php_admin_value[max_execution_time] = 60
php_admin_value[display_errors] = 0
php_admin_value[log_errors] = 1
php_admin_value[error_log] = $state/log/php-error.log
php_admin_value[sys_temp_dir] = $state/tmp
php_admin_value[opcache.revalidate_freq] = 0
INI
touch "$state/log/php-error.log"; chown www-data:www-data "$state/log/php-error.log"
# One nginx worker: a request is in access.log before the next one is taken up.
cat >"$state/nginx.conf" <<CONF
worker_processes 1;
pid $state/run/nginx-own.pid;
error_log $state/log/nginx-error.log;
daemon off;
user www-data;
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types;
  log_format short '\$request_method \$status "\$remote_user" \$request_time \$request_uri';
  access_log $state/log/access.log short;
  client_body_temp_path $state/tmp/body; fastcgi_temp_path $state/tmp/fcgi;
  proxy_temp_path $state/tmp/proxy; uwsgi_temp_path $state/tmp/uwsgi; scgi_temp_path $state/tmp/scgi;
  client_max_body_size 8m;
  server {
    listen 127.0.0.1:$port;
    root /usr/share/wordpress;
    index index.php;
    location = /fence { access_log off; return 204; }
    location /wp-content/ { alias $state/wp-content/; }
    location / { try_files \$uri \$uri/ /index.php?\$args; }
    location ~ \.php\$ {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
      fastcgi_param WORDPRESS_CONFIG $name;
      fastcgi_param HTTP_PROXY "";
      fastcgi_read_timeout 65s;
      fastcgi_pass unix:$state/run/fpm.sock;
    }
  }
}
CONF
if ! alive fpm; then
  reap fpm php-fpm
  rm -f "$state/run/fpm.sock"
  start fpm "$fpm" -y "$state/php-fpm.conf"
fi
wait_for test -S "$state/run/fpm.sock"
alive nginx || start nginx nginx -c "$state/nginx.conf"
wait_for curl --noproxy "*" -fsS -o /dev/null "http://127.0.0.1:$port/wp-json/wp/v2/types/course_date"
echo "up: http://127.0.0.1:$port/wp-json/ (WordPress $(dpkg-query -W -f='${Version}' wordpress), PHP $(php -r 'echo PHP_VERSION;'), $workers workers)"
echo "credentials: $state/credentials.json; password of the log-in page: $state/run/adminpw"
