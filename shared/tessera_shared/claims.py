"""Standard claims by scope (OpenID Connect Core §5.1, §5.4) and the authentication context classes Tessera tells."""

SCOPE_CLAIMS: dict[str, tuple[str, ...]] = {
    "openid": ("sub",),
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
"""The claims that userinfo tells for each granted scope."""

ACR_ONE_FACTOR = "urn:tessera:acr:one-factor"
ACR_VALUES = (ACR_ONE_FACTOR,)
"""Authentication context class references, weakest first."""
