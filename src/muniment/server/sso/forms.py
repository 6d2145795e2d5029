"""Forms of sign-in settings; what they mean is checked by the services, whose refusals are shown at the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from muniment.core.errors import Malformed, MunimentError
from muniment.server.members.models import Role
from muniment.server.sso import saml
from muniment.server.sso.models import SsoConnection
from muniment.server.sso.presets import Preset, preset_of
from muniment.server.sso.services import Wanted


class ConnectionForm(forms.Form):
    """A connection of either protocol: the preset decides which fields there are."""

    use_required_attribute = False

    name = forms.CharField(max_length=64, label="Name", help_text="On the button that people press to sign in.")
    value = forms.CharField(max_length=255, label="Issuer")
    client_id = forms.CharField(max_length=255, label="Client ID")
    client_secret = forms.CharField(
        max_length=1024, label="Client secret", widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )
    metadata = forms.CharField(
        label="Metadata of the identity provider",
        required=False,
        max_length=saml.MAX_RESPONSE,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="Paste the whole XML document; the three fields below are read from it.",
    )
    idp_entity_id = forms.CharField(max_length=255, label="Entity ID", required=False)
    idp_sign_in_url = forms.CharField(max_length=512, label="Sign-in address (redirect binding)", required=False)
    idp_certificates = forms.CharField(
        label="Signing certificates",
        required=False,
        max_length=32768,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="PEM, one after the other. Nothing signed by another key is accepted.",
    )
    groups_claim = forms.CharField(max_length=255, label="Claim or attribute with groups", required=False)
    email_claim = forms.CharField(max_length=255, label="Claim or attribute with the e-mail address")
    group_roles = forms.CharField(
        label="Groups and the roles they give",
        required=False,
        max_length=65536,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line: group = role code. At each sign-in, members get and lose these roles with the groups.",
    )
    joins = forms.BooleanField(
        required=False,
        label="People of verified domains become members when they sign in",
        help_text="Only where nobody has the address yet. Whoever has an account links it in their own settings.",
    )
    default_role = forms.ChoiceField(required=False, label="Role of who joins without a mapped group")

    _OIDC = ("value", "client_id", "client_secret")
    _SAML = ("metadata", "idp_entity_id", "idp_sign_in_url", "idp_certificates")

    def __init__(
        self, *args: Any, preset: Preset, roles: Sequence[Role], row: SsoConnection | None = None, **kwargs: Any
    ) -> None:
        if row is not None:
            kwargs.setdefault("initial", initial(row, roles))
        else:
            kwargs.setdefault("initial", {"groups_claim": preset.groups, "email_claim": "email"})
        super().__init__(*args, **kwargs)
        self.preset, self.roles = preset, {role.code: role for role in roles if not role.time_boxed}
        for name in self._SAML if preset.kind == "oidc" else self._OIDC:
            del self.fields[name]
        if preset.kind == "oidc":
            self.fields["value"].label = preset.asks or "Issuer"
            self.fields["value"].help_text = preset.help
            self.fields["client_secret"].required = row is None
            if row is not None:
                self.fields["client_secret"].help_text = "Leave it empty to keep the one that is there."
        choices = [("", "None: they are not let in"), *((role.id, role.name) for role in self.roles.values())]
        field = self.fields["default_role"]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    def clean_group_roles(self) -> dict[str, str]:
        """Lines as a mapping from group to role id."""
        found: dict[str, str] = {}
        for number, line in enumerate(self.cleaned_data["group_roles"].splitlines(), 1):
            if not line.strip():
                continue
            group, equals, code = (part.strip() for part in line.rpartition("="))
            role = self.roles.get(code)
            if not equals or not group or role is None:
                raise forms.ValidationError(
                    f"Line {number}: write group = role, with one of {', '.join(sorted(self.roles))}."
                )
            if group in found:
                raise forms.ValidationError(f"Line {number}: this group is there twice.")
            found[group] = role.id
        return found

    def clean(self) -> dict[str, Any]:
        """What pasted metadata say goes before the fields below."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("metadata"):
            try:
                read = saml.read_metadata(cleaned["metadata"])
            except Malformed as error:
                self.add_error("metadata", error.reason)
            else:
                cleaned["idp_entity_id"], cleaned["idp_sign_in_url"] = read.entity_id, read.sign_in_url
                cleaned["idp_certificates"] = "\n".join(read.certificates)
        return cleaned

    def wanted(self) -> Wanted:
        """What the services take."""
        data = self.cleaned_data
        return Wanted(
            name=data["name"],
            preset=self.preset.code,
            value=data.get("value", ""),
            client_id=data.get("client_id", ""),
            client_secret=data.get("client_secret") or None,
            idp_entity_id=data.get("idp_entity_id", ""),
            idp_sign_in_url=data.get("idp_sign_in_url", ""),
            idp_certificates=tuple(split_pem(data.get("idp_certificates", ""))),
            groups_claim=data["groups_claim"],
            email_claim=data["email_claim"],
            group_roles=data["group_roles"],
            joins=data["joins"],
            default_role=data["default_role"],
        )

    def refuse(self, error: MunimentError) -> None:
        """Show a service's refusal at its field."""
        self.add_error(error.where if error.where in self.fields else None, error.reason)


class DomainForm(forms.Form):
    """A domain to verify."""

    use_required_attribute = False

    domain = forms.CharField(
        max_length=255, label="Domain", help_text="The part after the @ of your people's addresses."
    )


def initial(row: SsoConnection, roles: Sequence[Role]) -> dict[str, Any]:
    """A connection as the form shows it; the secret is never shown."""
    codes = {role.id: role.code for role in roles}
    preset = preset_of(row.preset)
    return {
        "name": row.name,
        "value": row.pinned or (row.issuer.removeprefix("https://").rstrip("/") if preset.issuer else row.issuer),
        "client_id": row.client_id,
        "idp_entity_id": row.idp_entity_id,
        "idp_sign_in_url": row.idp_sign_in_url,
        "idp_certificates": "\n".join(row.idp_certificates),
        "groups_claim": row.groups_claim,
        "email_claim": row.email_claim,
        "group_roles": "\n".join(f"{group} = {codes.get(role, role)}" for group, role in row.group_roles.items()),
        "joins": row.joins,
        "default_role": row.default_role,
    }


def split_pem(text: str) -> list[str]:
    """Certificates of a text: PEM blocks, or one in bare base64."""
    if "-----BEGIN" not in text:
        return [text] if text.strip() else []
    return ["-----BEGIN" + part for part in text.split("-----BEGIN")[1:]]
