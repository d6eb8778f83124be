"""Planted secrets, and the ways they might get into a log line."""

import base64

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
NUMBER = str(int(KEY, 16))
RAW = bytes.fromhex(KEY)
BASE64 = base64.b64encode(RAW).decode()
URLSAFE = base64.urlsafe_b64encode(RAW).decode()
BASE64_OF_HEX = base64.b64encode(KEY.encode()).decode()
SIGNATURE = "0x" + KEY * 2 + "1b"
SERVICE_TOKEN = "hvs.CAESIJlWh2x7mQ4vZp0aQ3bT9yKcN5uR8sD1fG6hJ2kL3mN4"
OLD_TOKEN = "s.f3jN8kQ2xW5vB7mZ1cR4tY6u"
MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PASSWORD = "Tr0ub4dor"
API_KEY = "aBcD1234eFgH5678"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.dozjgNryP4J3jVmNHl0w5N"
XPRV = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
PEM_BODY = "MHQCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVJ"
PEM = f"-----BEGIN EC PRIVATE KEY-----\n{PEM_BODY}\n-----END EC PRIVATE KEY-----"

CANARIES = (
    *(
        KEY,
        KEY.upper(),
        NUMBER,
        BASE64,
        URLSAFE,
        BASE64_OF_HEX,
        SIGNATURE,
        SERVICE_TOKEN,
        OLD_TOKEN,
        MNEMONIC,
        PASSWORD,
    ),
    *(API_KEY, JWT, XPRV, PEM_BODY, repr(RAW), RAW.hex(" "), KEY[:32], KEY[-24:]),
)

# Each way in: text that a line might hold, and in which every canary must disappear.
TEXTS = [
    f"key {KEY}",
    f"key 0x{KEY}",
    f"key 0x{KEY.upper()}",
    f"int {NUMBER} and -{NUMBER}",
    f"b64 {BASE64}",
    f"b64 {URLSAFE}",
    f"b64 {BASE64_OF_HEX}",
    f"bytes {RAW!r}",
    f"signature {SIGNATURE}",
    f"x-signature: {KEY}",
    f"token {SERVICE_TOKEN}",
    f"token {OLD_TOKEN}",
    f"token hvb.{SERVICE_TOKEN[4:]}",
    f"X-Vault-Token: {PASSWORD}",
    f"Authorization: Bearer {JWT}",
    f"Authorization: Basic {BASE64}",
    f"Authorization: {PASSWORD}",
    f"'Authorization': 'Bearer {API_KEY}'",
    f'"authorization": "Token {API_KEY}"',
    f"jwt {JWT}",
    f"words {MNEMONIC}",
    f"words {MNEMONIC.upper()}",
    PEM,
    PEM[: len(PEM) - 30],
    XPRV,
    f"postgres://ostium:{PASSWORD}@db:5432/ostium",
    f"postgres://ostium:{PASSWORD}@@db:5432/ostium",
    f"postgres://ostium:{PASSWORD}/x@db:5432/ostium",
    f"connection to postgresql://ostium:{PASSWORD}@db/ostium failed",
    f"https://arb-mainnet.example.com/v2/{API_KEY}",
    f"wss://arb-mainnet.example.com/v2/{API_KEY}?x=1",
    f"https://arb.example.com?apikey={API_KEY}",
    f"https://{API_KEY}@arb.example.com",
    f"HTTPSConnectionPool(host='arb.example.com', port=443): Max retries exceeded with url: /v2/{API_KEY} (X)",
    f"GET /admin/?password={PASSWORD}&a=b",
    f"POST /v1/markets/list?privateKey={KEY}",
    f'{{"privateKey": "{PASSWORD}"}}',
    f'{{"private_key":"{PASSWORD}","a":1}}',
    f"{{'mnemonic': '{PASSWORD} and more {PASSWORD}'}}",
    f'{{\\"privateKey\\": \\"{PASSWORD}\\"}}',
    f"private_key={PASSWORD}",
    f"password={PASSWORD}; user=x",
    f"HMAC_SECRET={PASSWORD}",
    f"secret_id: {PASSWORD}",
    f"client_token = '{PASSWORD}'",
    f"Cookie: sessionid={PASSWORD}",
]

# And under these names no value is shown at all.
NAMES = [
    *("private_key", "privateKey", "mnemonic", "seed_phrase", "hmac_secret", "HMAC_SECRET_PREVIOUS", "password"),
    *("authorization", "Authorization", "x-signature", "x_signature", "signature", "signatures", "vault_token"),
    *("secret_id", "api_key", "keystore", "body", "request_body", "payload", "raw", "raw_tx", "signed_transaction"),
    *("cookie", "database_url", "dsn", "credentials", "key", "token"),
]
