# Makes the database and serves it to whoever knows the password.
printf '%s' "$POSTGRES_PASSWORD" > /data/password
initdb --pgdata /data/db --username mcp --auth scram-sha-256 --pwfile /data/password --no-sync
rm /data/password
echo 'host all all all scram-sha-256' >> /data/db/pg_hba.conf
exec postgres -D /data/db -c 'listen_addresses=*' -c unix_socket_directories= -c fsync=off
