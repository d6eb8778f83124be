# The deployment: hands each starting process a response-wrapped secret id, without seeing the secret id itself.
path "auth/approle/role/ostium-service/secret-id" {
  capabilities      = ["update"]
  min_wrapping_ttl  = "1s"
  max_wrapping_ttl  = "300s"
}
