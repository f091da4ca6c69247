#!/bin/sh
# `sh deploy/make_secrets.sh [FOLDER]`: the secrets of the compose file, as root; never overwrites.
# A secret that is a file keeps owner and mode of the host: each belongs to the one user who reads it.
set -eu
folder=${1:-$(dirname "$0")/secrets}
if [ "$(id -u)" -ne 0 ]; then
  echo "error: only root can give files to the containers' users" >&2
  exit 77
fi
umask 077
mkdir -p "$folder"
chmod 0711 "$folder"

word() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# keep NAME USER TEXT: a new file of that user alone; no newline, as a password would hold it.
keep() {
  if [ -e "$folder/$1" ]; then
    echo "error: $folder/$1 exists" >&2
    exit 65
  fi
  printf '%s' "$3" > "$folder/$1"
  chown "$2:$2" "$folder/$1"
  chmod 0400 "$folder/$1"
}

owner=$(word)
application=$(word)
# A socket of this machine: nothing of the database goes over a network, not even the containers'.
place='/anbiao?host=/var/run/postgresql'
keep database_owner_password 999 "$owner"
keep database_application_password 999 "$application"
keep database_owner 10004 "postgresql://anbiao_owner:$owner@$place"
keep database_serve 10001 "postgresql://anbiao_app:$application@$place"
keep database_worker 10002 "postgresql://anbiao_app:$application@$place"
echo "Now put tls_certificate.pem and tls_key.pem (both of user 10001, mode 0400) into $folder."
