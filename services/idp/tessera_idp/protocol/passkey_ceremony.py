"""The two ceremonies of WebAuthn (Level 3 §7.1, §7.2) by the `webauthn` library: what is asked, and what was answered.

Whatever an answer holds, it is verified or refused with a reason: nothing in it can break the service.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tessera_idp.protocol.passkey import Passkey, RelyingParty

_TIMEOUT_MILLISECONDS = 300_000
"""How long the browser's own dialog stays (§15.1 recommends five to ten minutes)."""
_MOST_CREDENTIAL_ID = 1023
"""§7.1 step 25."""
_BROKEN = (
    WebAuthnException,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What the library raises for answers of every shape; its own exceptions come only from those it foresaw."""


class CeremonyRefused(Exception):  # noqa: N818 - says what happened
    """An answer is malformed, or not what was asked for; the message is for the log."""


@dataclass(frozen=True, slots=True)
class PasskeyUser:
    """The user as the authenticator keeps it."""

    handle: bytes
    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Registration:
    """An answer to `creation_options` that was not verified yet."""

    challenge: bytes
    credential: RegistrationCredential


@dataclass(frozen=True, slots=True)
class Registered:
    """A new credential."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """An answer to `request_options` that was not verified yet."""

    challenge: bytes
    credential_id: bytes
    user_handle: bytes | None
    credential: AuthenticationCredential


@dataclass(frozen=True, slots=True)
class Asserted:
    """What an authenticator said when it signed."""

    sign_count: int
    backed_up: bool


def creation_options(party: RelyingParty, challenge: bytes, user: PasskeyUser, existing: Iterable[Passkey]) -> str:
    """What `navigator.credentials.create()` is asked for, as JSON (§5.4): discoverable, with user verification."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user.handle,
        user_name=user.name,
        user_display_name=user.display_name,
        challenge=challenge,
        timeout=_TIMEOUT_MILLISECONDS,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(existing),
    )
    return options_to_json(options)


def request_options(party: RelyingParty, challenge: bytes, allowed: Iterable[Passkey] = ()) -> str:
    """What `navigator.credentials.get()` is asked for, as JSON (§5.5); without `allowed` any passkey for this site."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT_MILLISECONDS,
        allow_credentials=_descriptors(allowed),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def read_registration(text: str) -> Registration:
    """Read a RegistrationResponseJSON (§5.1.8).

    Raises:
        CeremonyRefused: It is none.

    """
    try:
        credential = parse_registration_credential_json(text)
        return Registration(parse_client_data_json(credential.response.client_data_json).challenge, credential)
    except _BROKEN as error:
        raise CeremonyRefused(f"malformed: {type(error).__name__}") from error


def verify_registration(answer: Registration, party: RelyingParty, challenge: bytes) -> Registered:
    """Verify an answer (§7.1).

    Raises:
        CeremonyRefused: It is for another challenge, origin or relying party, without user verification, or malformed.

    """
    try:
        _refuse_attested(answer.credential)
        verified = verify_registration_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except _BROKEN as error:
        raise CeremonyRefused(_reason(error)) from error
    if len(verified.credential_id) > _MOST_CREDENTIAL_ID:
        raise CeremonyRefused("the credential's id is too long")
    if verified.credential_id != answer.credential.raw_id:
        raise CeremonyRefused("the credential's id is not the attested one")
    return Registered(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=tuple(sorted({each.value for each in answer.credential.response.transports or ()})),
        backup_eligible=verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def read_assertion(text: str) -> Assertion:
    """Read an AuthenticationResponseJSON (§5.1.8).

    Raises:
        CeremonyRefused: It is none.

    """
    try:
        credential = parse_authentication_credential_json(text)
        challenge = parse_client_data_json(credential.response.client_data_json).challenge
    except _BROKEN as error:
        raise CeremonyRefused(f"malformed: {type(error).__name__}") from error
    return Assertion(challenge, credential.raw_id, credential.response.user_handle, credential)


def verify_assertion(answer: Assertion, party: RelyingParty, challenge: bytes, passkey: Passkey) -> Asserted:
    """Verify an answer against the stored credential (§7.2).

    The sign count is not judged here: that is one statement with the write of the new one.

    Raises:
        CeremonyRefused: It is for another challenge, origin, relying party or credential, without user verification,
            wrongly signed, or malformed.

    """
    try:
        verified = verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _BROKEN as error:
        raise CeremonyRefused(_reason(error)) from error
    # §7.2: whether a key may leave its device never changes
    if (verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE) != passkey.backup_eligible:
        raise CeremonyRefused("backup eligibility changed")
    return Asserted(verified.new_sign_count, verified.credential_backed_up)


def _descriptors(passkeys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id, transports=[AuthenticatorTransport(name) for name in passkey.transports]
        )
        for passkey in passkeys
    ]


def _refuse_attested(credential: RegistrationCredential) -> None:
    """Refuse statements nobody asked for (§5.4.7 `none`): with it come `none` and self attestation alone.

    Raises:
        CeremonyRefused: There is another one.
        Exception: One of `_BROKEN`, for what is no attestation object.

    """
    found = parse_attestation_object(credential.response.attestation_object)
    is_self_attested = found.fmt == AttestationFormat.PACKED and found.att_stmt.x5c is None
    if found.fmt != AttestationFormat.NONE and not is_self_attested:
        raise CeremonyRefused("attestation that was not asked for")


def _reason(error: Exception) -> str:
    """Why, for the log: the library's own words name origins and types, other exceptions could hold anything."""
    return str(error)[:200] if isinstance(error, WebAuthnException) else f"malformed: {type(error).__name__}"
