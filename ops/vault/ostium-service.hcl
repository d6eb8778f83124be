# The web and worker processes: read a delegate's key, and nothing else. They can neither list nor write.
# With another mount or prefix (VAULT_KV_MOUNT, VAULT_DELEGATE_PREFIX) put it in place of secret and ostium/delegates.
path "secret/data/ostium/delegates/*" {
  capabilities = ["read"]
}

# The token looks after itself, and `manage.py doctor` asks what it may do.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "sys/capabilities-self" {
  capabilities = ["update"]
}
