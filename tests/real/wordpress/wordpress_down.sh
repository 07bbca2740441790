#!/bin/bash
# Ends what wordpress_up.sh started for PORT: by session, and only if the leader's command
# line names the state folder (or the leader is gone and its workers are left).
#
#   bash tests/real/wordpress/wordpress_down.sh [PORT] [--purge]      --purge also deletes the state
set -euo pipefail
purge=
port=${REAL_WORDPRESS_PORT:-8089}
for arg; do if [[ $arg == --purge ]]; then purge=1; else port=$arg; fi; done
[[ $port =~ ^[0-9]{4,5}$ ]] || { echo "wordpress_down: PORT must be a number like 8089" >&2; exit 2; }
state=${REAL_WORDPRESS_STATE:-${TMPDIR:-/tmp}/real-wordpress-$port}
declare -A program=([nginx]=nginx [fpm]=php-fpm [mariadb]=mariadbd)
command_line() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || true; } # empty: gone, or not yet buried

for what in nginx fpm mariadb; do
  pid=$(cat "$state/run/$what.pid" 2>/dev/null || true)
  [[ -n $pid ]] || continue
  if [[ $(command_line "$pid") == *"$state"* ]]; then
    kill -TERM "$pid"
    for _ in $(seq 1 100); do [[ -n $(command_line "$pid") ]] || break; sleep 0.1; done
    [[ -z $(command_line "$pid") ]] || { echo "wordpress_down: $what ($pid) did not stop in 10 s: killed" >&2; kill -KILL "$pid"; sleep 0.2; }
  fi
  if [[ -z $(command_line "$pid") ]]; then pkill -KILL -s "$pid" "${program[$what]}" || true; fi
  rm -f "$state/run/$what.pid"
done
if [[ -n $purge ]]; then
  if [[ -d $state/run && -d $state/wp-content ]]; then rm -rf -- "$state"; fi
  rm -f "/etc/wordpress/config-realwp$port.php"
fi
echo "down: $port"
