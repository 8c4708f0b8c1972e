// Passkeys: gives the browser what the page asks for, and sends the browser's answer by the page's own form.
"use strict";

(() => {
  const part = document.getElementById("passkey-part");
  if (part === null) return;
  const { ceremony, options, autofill } = part.dataset;
  const form = part.closest("form");
  const answer = form.elements.namedItem("credential");
  const button = document.getElementById("passkey");
  let waiting = null;

  const toBytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const withBytes = (descriptors = []) => descriptors.map((each) => ({ ...each, id: toBytes(each.id) }));

  const publicKey = () => {
    const asked = JSON.parse(options);
    asked.challenge = toBytes(asked.challenge);
    if (ceremony === "get") return { ...asked, allowCredentials: withBytes(asked.allowCredentials) };
    asked.user.id = toBytes(asked.user.id);
    return { ...asked, excludeCredentials: withBytes(asked.excludeCredentials) };
  };

  const inWords = (credential) => {
    const { response } = credential;
    const told = { clientDataJSON: toText(response.clientDataJSON) };
    if (ceremony === "get") {
      told.authenticatorData = toText(response.authenticatorData);
      told.signature = toText(response.signature);
      if (response.userHandle) told.userHandle = toText(response.userHandle);
    } else {
      told.attestationObject = toText(response.attestationObject);
      told.transports = response.getTransports ? response.getTransports() : [];
    }
    const { id, type, authenticatorAttachment } = credential;
    return JSON.stringify({ id, rawId: toText(credential.rawId), type, authenticatorAttachment, response: told });
  };

  const say = (name) => {
    const message = document.getElementById("passkey-message");
    message.textContent = name === null ? "" : part.dataset[name];
    message.hidden = name === null;
  };

  const problemOf = (error) => {
    if (error.name === "InvalidStateError") return "exists";
    if (error.name === "SecurityError" || error.name === "NotSupportedError") return "unsupported";
    return "cancelled";
  };

  const send = (credential) => {
    answer.value = inWords(credential);
    const action = document.createElement("input");
    Object.assign(action, { type: "hidden", name: button.name, value: button.value });
    form.append(action);
    HTMLFormElement.prototype.submit.call(form);
  };

  const run = async (more) => {
    waiting?.abort();
    waiting = new AbortController();
    const { signal } = waiting;
    try {
      const credential = await navigator.credentials[ceremony]({ publicKey: publicKey(), signal, ...more });
      if (!signal.aborted) send(credential);
    } catch (error) {
      if (signal.aborted) return;
      if (more.mediation !== "conditional") say(problemOf(error));
      button.disabled = false;
    }
  };

  if (!window.PublicKeyCredential) {
    say("unsupported");
    button.disabled = true;
    return;
  }
  form.addEventListener("submit", (event) => {
    if (event.submitter !== button) return;
    event.preventDefault();
    say(null);
    button.disabled = true;
    run({});
  });
  if (autofill !== undefined && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable().then((available) => {
      if (available && waiting === null) run({ mediation: "conditional" });
    });
  }
})();
