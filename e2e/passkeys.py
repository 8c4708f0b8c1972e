"""Chromium's virtual authenticator, over the DevTools protocol (WebAuthn Level 3 §11)."""

from dataclasses import dataclass
from typing import Any

from playwright.async_api import CDPSession, Page


@dataclass(frozen=True, slots=True)
class VirtualAuthenticator:
    """A device of the browser's user."""

    devtools: CDPSession
    id: str

    async def credentials(self) -> list[dict[str, Any]]:
        """The passkeys on it."""
        answer = await self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(answer["credentials"])

    async def verify_users(self, *, by: bool) -> None:
        """Whether the user manages to unlock it from now on."""
        await self.devtools.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": by})

    async def put(self, credential: dict[str, Any]) -> None:
        """Give it a passkey of another one: a copy, with the count it had."""
        await self.devtools.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential})

    async def forget(self) -> None:
        """Remove every passkey from it."""
        await self.devtools.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})


WITHOUT_AUTOFILL = "if (window.PublicKeyCredential) delete PublicKeyCredential.isConditionalMediationAvailable;"
"""Makes a browser that waits for the button: a virtual authenticator answers autofill as soon as it is asked."""


async def virtual_authenticator(page: Page) -> VirtualAuthenticator:
    """Connect a new one that keeps passkeys and verifies its user, to the browser of this page."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return VirtualAuthenticator(devtools, str(made["authenticatorId"]))
