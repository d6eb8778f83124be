# Whoever runs create_delegate, rotate_delegate and retire_delegate (VAULT_OPERATOR_TOKEN). Keys are made and destroyed
# with it, and cannot be read, replaced or brought back: without "update" a path that was ever written stays as it is.
path "secret/data/ostium/delegates/*" {
  capabilities = ["create"]
}

# Which versions there are, and their end.
path "secret/metadata/ostium/delegates/*" {
  capabilities = ["read"]
}
path "secret/destroy/ostium/delegates/*" {
  capabilities = ["update"]
}

path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
