"""Turn a template's data into the fields of a request."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.access import CaCertificate, Proxy
from osc_imagebuild.model.contents import Content
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.disk_layout import Volume, size_mib
from osc_imagebuild.model.own_tests import OwnTest
from osc_imagebuild.model.request import FAMILY_PREFIX, File, Repository, User
from osc_imagebuild.template import provision
from osc_imagebuild.template.document import Document, Path, Place
from osc_imagebuild.template.sources import KEY_LIMIT, Reader

T = TypeVar("T")

# Keys that are fields as they are: where they stand, and the field.
SIMPLE = {
    ("os",): "os",
    ("arch",): "arch",
    ("source",): "source",
    ("checksum",): "checksum",
    ("driver_iso",): "driver_iso",
    ("answers", "locale"): "locale",
    ("answers", "keyboard"): "keyboard",
    ("answers", "timezone"): "timezone",
    ("answers", "swap_mib"): "swap_mib",
    ("answers", "lvm"): "lvm",
    ("disk", "layout"): "disk_layout",
    ("disk", "filesystem"): "filesystem",
    ("answers", "firmware"): "firmware",
    ("answers", "secure_boot"): "secure_boot",
    ("answers", "tpm"): "tpm",
    ("customise", "packages"): "packages",
    ("customise", "commands"): "commands",
    ("customise", "update"): "update",
    ("build", "flavor"): "flavor",
    ("build", "networks"): "networks",
    ("build", "security_groups"): "security_groups",
    ("build", "ports"): "ports",
    ("build", "volume_type"): "volume_type",
    ("build", "availability_zone"): "availability_zone",
    ("build", "boot_method"): "boot_method",
    ("build", "disk_gib"): "disk_gib",
    ("build", "config_drive"): "config_drive",
    ("build", "timeout_min"): "timeout_min",
    ("build", "stall_min"): "stall_min",
    ("build", "keep_on_failure"): "keep_on_failure",
    ("build", "attempts"): "attempts",
    ("output", "name"): "name",
    ("output", "kind"): "output",
    ("output", "tags"): "tags",
    ("output", "visibility"): "visibility",
    ("output", "min_disk_gib"): "min_disk_gib",
    ("output", "min_ram_mib"): "min_ram_mib",
    ("output", "protected"): "protected",
    ("output", "metadata"): "metadata",
    ("output", "family"): "family",
    ("output", "replace"): "replace",
    ("output", "old"): "old",
    ("output", "keep"): "keep",
    ("output", "members"): "members",
    ("output", "member_clouds"): "member_clouds",
    ("output", "stores"): "stores",
    ("output", "all_stores"): "all_stores",
}
# Fields that may be files of this machine; planning reads them.
MEDIA = {"source", "driver_iso"}
# Mappings whose values Glance and Nova take as text, or lists of texts.
TEXTS = {
    ("build", "hints"): "hints",
    ("build", "server_properties"): "server_properties",
    ("output", "properties"): "properties",
    ("from", "properties"): "from_properties",
}


def to_fields(document: Document, reader: Reader) -> tuple[dict[str, Any], list[str]]:
    """Return what a valid template says of a request, and what is wrong."""
    fields = _Fields(document, reader)
    return fields.all(), fields.problems


class _Fields:
    """Collects problems instead of stopping at the first one."""

    def __init__(self, document: Document, reader: Reader) -> None:
        self.document = document
        self.reader = reader
        self.problems: list[str] = []

    def all(self) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for path, name in SIMPLE.items():
            value = self._at(path)
            if value is not None:
                fields[name] = tuple(value) if isinstance(value, list) else value
        for name in MEDIA & fields.keys():
            fields[name] = self._media(fields[name], name)
        for path, name in TEXTS.items():
            texts = self._at(path)
            if texts is not None:
                fields[name] = {key: _texts(value) for key, value in texts.items()}
        if named := self._parent():
            fields["from_image"] = named
        answers = self._at(("answers",)) or {}
        if "file" in answers:
            place = self.document.place(("answers", "file"))
            fields["answer_file"] = self._try(
                lambda: self.reader.text(answers["file"], place)
            )
        password = self._password(answers, ("answers",), "root_password")
        if password is not None:
            fields["root_password"] = password
        if "ssh_public_keys" in answers:
            fields["ssh_public_keys"] = self._keys(answers, ("answers",))
        for name, make in (
            ("repositories", self._repository),
            ("ca_certificates", self._certificate),
            ("files", self._file),
            ("contents", self._big),
            ("users", self._user),
        ):
            path = ("customise", name)
            made = [make(i, (*path, n)) for n, i in enumerate(self._at(path) or [])]
            if made:
                fields[name] = tuple(item for item in made if item is not None)
        path = ("disk", "volumes")
        volumes = [
            self._volume(v, (*path, n)) for n, v in enumerate(self._at(path) or [])
        ]
        if volumes:
            fields["disk_volumes"] = tuple(volumes)
        if proxy := self._at(("build", "proxy")):
            fields["proxy"] = self._proxy(proxy, ("build", "proxy"))
        copies = self._at(("output", "copies"))
        if copies:
            fields["copies"] = tuple(Copy(**copy) for copy in copies)
        return fields | self._configured() | self._verification()

    def _configured(self) -> dict[str, Any]:
        """A playbook and a hardening profile, as far as they are there."""
        return {
            str(path[-1]): self._try(partial(whole, self.document, self.reader))
            for path, whole in provision.MAKERS.items()
            if self._at(path) is not None
        }

    def _verification(self) -> dict[str, Any]:
        """Whether the result is booted, and the tests of it."""
        said = self._at(("verify",))
        if not isinstance(said, Mapping):
            return {} if said is None else {"verify": said}
        path = ("verify", "files")
        made = [self._file(i, (*path, n)) for n, i in enumerate(said.get("files", []))]
        fields = {
            "tests": tuple(OwnTest(**item) for item in said.get("commands", [])),
            "test_files": tuple(file for file in made if file is not None),
            "test_reboot": said.get("reboot", False),
            **{
                f"test_{key}": tuple(said.get(key, ()))
                for key in ("flavors", "networks", "firmware")
            },
        }
        return {name: value for name, value in fields.items() if value}

    def _at(self, path: Path) -> Any:
        value: Any = self.document.data
        for part in path:
            value = (value or {}).get(part)
        return value

    def _parent(self) -> str:
        """The image that is changed, as the command line would name it; '' for none."""
        said = self._at(("from",)) or {}
        if "image" in said and "family" in said:
            place = self.document.place(("from",))
            self.problems.append(f"{place}: image and family exclude each other")
        if "family" in said:
            return f"{FAMILY_PREFIX}{said['family']}"
        return str(said.get("image", ""))

    def _try(self, part: Callable[[], T]) -> T | None:
        try:
            return part()
        except SpecError as error:
            self.problems += error.problems
            return None

    def _media(self, value: str, name: str) -> str | None:
        place = self.document.place((name,))
        return self._try(lambda: self.reader.media(value, place))

    def _password(self, data: Mapping[str, Any], path: Path, key: str) -> str | None:
        """A secret, or its hash, which is passed on as it is."""
        secret, digest = data.get(key), data.get(f"{key}_hash")
        if secret is None:
            return digest
        place = self.document.place((*path, key))
        if digest is not None:
            self.problems.append(f"{place}: {key} and {key}_hash exclude each other")
        return self._secret(secret, place)

    def _secret(self, secret: Mapping[str, str], place: Place) -> str | None:
        if "env" in secret:
            return self._try(lambda: self.reader.secret_variable(secret["env"], place))
        return self._try(lambda: self.reader.secret_file(secret["file"], place))

    def _login(self, data: Mapping[str, Any], path: Path) -> dict[str, str]:
        """The name and the password for a server, '' where there is none."""
        found = {}
        for key in ("username", "password"):
            value = data.get(key, "")
            if not isinstance(value, str):
                value = self._secret(value, self.document.place((*path, key)))
            found[key] = value or ""
        return found

    def _keys(self, data: Mapping[str, Any], path: Path) -> tuple[str, ...]:
        here = (*path, "ssh_public_keys")
        keys = data.get("ssh_public_keys", [])
        return tuple(self._text(key, (*here, n)) for n, key in enumerate(keys))

    def _text(self, value: str | Mapping[str, str], path: Path) -> str:
        """A text, or that of a file."""
        if isinstance(value, str):
            return value
        place = self.document.place(path)
        text = self._try(lambda: self.reader.text(value["file"], place, KEY_LIMIT))
        return text or ""

    def _volume(self, item: Mapping[str, Any], path: Path) -> Volume:
        size = size_mib(item["size"])
        if size is None:
            place = self.document.place((*path, "size"))
            self.problems.append(
                f"{place}: this is no size: {item['size']!r:.60}; write it as 512MiB or 10GiB"
            )
        return Volume(
            mount=item["mount"],
            size_mib=size or 0,
            options=tuple(item.get("options", ())),
        )

    def _repository(self, item: Mapping[str, Any], path: Path) -> Repository:
        return Repository(
            name=item["name"],
            url=item["url"],
            suites=tuple(item.get("suites", ())),
            components=tuple(item.get("components", ())),
            key=self._text(item.get("key", ""), (*path, "key")),
            keep=item.get("keep", False),
            **self._login(item, path),
        )

    def _certificate(
        self, item: str | Mapping[str, Any], path: Path
    ) -> CaCertificate | None:
        if isinstance(item, str):
            return CaCertificate(pem=item)
        if ("file" in item) == ("text" in item):
            place = self.document.place(path)
            self.problems.append(f"{place}: a CA certificate needs one of file, text")
            return None
        text = item.get("text", item)
        return CaCertificate(pem=self._text(text, path), keep=item.get("keep", False))

    def _proxy(self, said: str | Mapping[str, Any], path: Path) -> Proxy:
        if isinstance(said, str):
            return Proxy(url=said)
        return Proxy(
            url=said["url"],
            no_proxy=tuple(said.get("no_proxy", ())),
            keep=said.get("keep", False),
            **self._login(said, path),
        )

    def _user(self, item: Mapping[str, Any], path: Path) -> User:
        return User(
            name=item["name"],
            password=self._password(item, path, "password"),
            ssh_public_keys=self._keys(item, path),
            groups=tuple(item.get("groups", ())),
            sudo=item.get("sudo", False),
        )

    def _file(self, item: Mapping[str, Any], path: Path) -> File | None:
        content = self._try(lambda: self._content(item, path))
        if content is None:
            return None
        optional = {key: item[key] for key in ("mode", "owner") if key in item}
        return File(path=item["path"], content=content, **optional)

    def _big(self, item: Mapping[str, Any], path: Path) -> Content | None:
        """A content of any size, of which nothing is read here."""
        source = item.get("source", "")
        if source:
            place = self.document.place((*path, "source"))
            source = self._try(lambda: self.reader.tree(source, place))
        optional = {
            key: item[key] for key in ("url", "unpack", "mode", "owner") if key in item
        }
        if source is None:
            return None
        sha256 = item.get("sha256", "").lower()
        return Content(path=item["path"], source=source, sha256=sha256, **optional)

    def _content(self, item: Mapping[str, Any], path: Path) -> bytes:
        if "content" in item:
            return str(item["content"]).encode()
        if "base64" in item:
            place = self.document.place((*path, "base64"))
            return decoded(item["base64"], str(place))
        if "source" in item:
            place = self.document.place((*path, "source"))
            return self.reader.data(item["source"], place)
        place = self.document.place((*path, "url"))
        return self.reader.download(item["url"], place)


def decoded(text: str, where: str) -> bytes:
    """Return the bytes of base64, which may have line breaks.

    :raises: SpecError
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise SpecError(f"{where}: this is not base64: {error}") from error


def _texts(value: str | int | bool | list[str | int | bool]) -> str | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(_text, value))
    return _text(value)


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
