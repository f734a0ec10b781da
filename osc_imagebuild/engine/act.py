"""Carry out one action in the cloud, so that another client can take over at any time.

Everything is named and tagged at its creation. Before a creation we look for
what an earlier client may have left, because its answer may have been lost.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, Any, cast

from osc_imagebuild.builds import copies, retirement, signatures, stores
from osc_imagebuild.builds.claims import release
from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.builds.filling import Listeners
from osc_imagebuild.cloud import images, remote_console, servers, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import NO_CLOUDS, Clouds
from osc_imagebuild.engine import nics, targets
from osc_imagebuild.engine.memory import Memory
from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    NotFoundError,
    TransientError,
    because,
)
from osc_imagebuild.media import measured
from osc_imagebuild.media.content import open_content
from osc_imagebuild.media.door import STRICT, Door
from osc_imagebuild.model.actions import (
    DELETING,
    AcceptImage,
    Action,
    CopyImage,
    CopyToStores,
    CreateImage,
    CreateServer,
    CreateSnapshot,
    CreateVolume,
    DeleteImage,
    DeleteServer,
    DeleteSnapshot,
    DeleteVolume,
    Discard,
    Harvest,
    ImportImage,
    PressKey,
    ProveImage,
    RebootServer,
    Retire,
    SetBootable,
    SetImage,
    SetSnapshot,
    SetVolume,
    ShareImage,
    SignImage,
    StopServer,
    UploadImage,
    UploadVolume,
)
from osc_imagebuild.model.boot_sources import BootImage, Content, IsoContent, IsoFile
from osc_imagebuild.model.names import (
    BUILD_TAG,
    PART_TAG,
    UNTAGGED,
    VOLUME_MARK,
    Role,
    build_tag,
    resource_name,
    shared_tag,
)
from osc_imagebuild.model.ownership import may_read
from osc_imagebuild.model.resources import Image, Resource, Server, Snapshot, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import boots, install, rotation

if TYPE_CHECKING:
    from osc_imagebuild.signing.keys import SigningKey

BUSY_S = 5.0


class Actor:
    """Does the actions of one build. ``texts`` are its user data by name.

    ``heartbeat`` is called while a long one is under way, and may stop it; ``door`` leads to
    web servers, ``clouds`` to others that accept the image. ``memory`` hears of what is made
    and changed, as lists may lag. ``key`` signs the image, None where this client has none.
    ``verify_held`` is called before something is made, as looking for it may have taken long.
    """

    def __init__(
        self,
        api: Api,
        build_id: str,
        spec: Spec,
        texts: Mapping[str, str],
        heartbeat: Callable[[], None] = lambda: None,
        door: Door = STRICT,
        memory: Memory | None = None,
        clouds: Clouds = NO_CLOUDS,
        key: SigningKey | None = None,
        verify_held: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._key = key
        self._verify_held = verify_held
        self._clouds = clouds
        self._door = door
        self._memory = memory or Memory(api.now)
        self._build_id = build_id
        self._spec = spec
        self._texts = texts
        self._heartbeat = heartbeat
        self._measured: dict[str, str] = {}

    def act(self, action: Action) -> None:
        """Do ``action``.

        :raises: CloudError; SpecError where content cannot be made here, SigningError
            where an image cannot be signed
        """
        for item_id in targets.changed(action):
            if isinstance(action, DELETING):
                self._memory.deleted(item_id)
            else:
                self._memory.touched(item_id)
        match action:
            case CreateImage():
                self._create_image(action)
            case UploadImage():
                self._upload(action)
            case ImportImage():
                self._import(action)
            case ProveImage():
                self.sha512_of(action.image)
            case CreateServer():
                self._create_server(action)
            case SetImage():
                self._set_image(action)
            case SignImage():
                signatures.sign(self._api, self._build_id, action, self._key)
            case DeleteImage():
                self._delete_image(action.image_id)
            case ShareImage():
                images.share(self._api, action.image_id, action.member)
            case AcceptImage():
                images.accept(self._clouds.api(action.cloud), action.image_id)
            case Retire():
                retirement.retire(self._api, action)
            case Discard():
                retirement.discard(self._api, action)
            case Harvest():
                if not self._result_is_listed():
                    self._verify_held()
                    made = servers.create_image(
                        self._api, action.server_id, self._result, self._of_harvest()
                    )
                    self._memory.made(Image, Role.RESULT, made)
            case StopServer():
                servers.stop(self._api, action.server_id)
            case DeleteServer():
                servers.delete(self._api, action.server_id)
            case _:
                self._act_on_volumes(action)

    def press(self, action: PressKey) -> str:
        """Press a key; return why none could be, '' if it was.

        :raises: RecordError where another client holds the build now
        """
        return remote_console.press(
            self._api, action.server_id, action.until, self._heartbeat
        )

    def reboot(self, action: RebootServer) -> dict[str, str] | None:
        """Reboot a server; return what is to be noted, None where nothing is yet.

        ``trouble`` is why it is forbidden. A server that is busy is to be looked at again.

        :raises: TransientError, NotFoundError
        """
        try:
            servers.reboot(self._api, action.server_id)
        except (TransientError, NotFoundError):
            raise
        except ConflictError:
            self._api.clock.sleep(BUSY_S)
            return None
        except CloudError as error:
            return {"trouble": str(error)[:200]}
        return {}

    def store(self, action: CopyToStores) -> str:
        """Have Glance copy data from store to store; return why it does not, or ''.

        :raises: TransientError, NotFoundError
        """
        return stores.ask(self._api, action.image_id, action.stores)

    def copy(
        self,
        action: CopyImage,
        source: Image,
        tell: Callable[[str], None],
        progress: Callable[[str], None],
    ) -> Copied:
        """Make a copy of the result; what goes wrong is told, not raised.

        :raises: RecordError where another client holds the build now
        """
        result = dataclasses.replace(
            self._spec.result, visibility=rotation.visibility(self._spec, source)
        )
        wanted = copies.order(source, result, verify=action.copy.verify)
        verify = self._spec.verify
        test = copies.boot_test_of(
            action.copy,
            (self._texts.get("verify", ""), verify.sign),
            verify.timeout_s,
            config_drive=verify.config_drive,
        )
        listeners = Listeners(self._heartbeat, tell, progress)
        return copies.make(
            self._api, self._clouds, wanted, action.copy, listeners, test
        )

    def _act_on_volumes(self, action: Action) -> None:
        match action:
            case CreateVolume():
                self._create_volume(action)
            case UploadVolume():
                if not self._result_is_listed():
                    made = volumes.upload(
                        self._api,
                        action.volume_id,
                        self._result,
                        self._spec.formats.result,
                    )
                    self._memory.made(Image, Role.RESULT, made)
            case CreateSnapshot():
                self._create_snapshot(action)
            case SetVolume(volume, image_metadata, name, metadata, then):
                volumes.set_image_metadata(self._api, volume, image_metadata)
                if name:
                    self._let_go("volume", volume.id, name, metadata, then)
            case SetSnapshot(snapshot, name, metadata, then):
                self._let_go("snapshot", snapshot.id, name, metadata, then)
            case SetBootable():
                volumes.set_bootable(self._api, action.volume_id)
            case DeleteVolume():
                volumes.delete(self._api, action.volume_id, self._build_id)
            case DeleteSnapshot():
                volumes.delete_snapshot(self._api, action.snapshot_id, self._build_id)
            case _:
                raise TypeError(f"not an action on the cloud: {action}")

    def _let_go(
        self,
        kind: str,
        item_id: str,
        name: str,
        metadata: Mapping[str, str],
        then: Retire | None,
    ) -> None:
        """Make a volume or snapshot the user's; the build's mark goes last."""
        volumes.set_name(self._api, kind, item_id, name)
        self._retire(then)
        volumes.set_metadata(self._api, kind, item_id, metadata)

    def _retire(self, then: Retire | None) -> None:
        """Take the name from an older result; where that fails, a later step does it."""
        if then is not None:
            with contextlib.suppress(CloudError):
                self.act(then)

    def _of_harvest(self) -> dict[str, str]:
        """What Nova is told to put on an image beside what that of the server has.

        An own image, which is changed, may lack what Glance requires by now.
        """
        return dict([UNTAGGED]) | self._spec.formats.required_properties

    @property
    def _result(self) -> str:
        return resource_name(self._build_id, Role.RESULT)

    def _is_listed(self, name: str, listed: Iterable[Resource]) -> bool:
        """Whether an earlier client made it: lists may still show what was deleted."""
        return any(
            item.name == name and not self._memory.is_deleted(item.id)
            for item in listed
        )

    def _result_is_listed(self) -> bool:
        return self._is_listed(self._result, images.named(self._api, self._result))

    def _create_volume(self, action: CreateVolume) -> None:
        name = resource_name(self._build_id, action.role)
        if self._is_listed(name, volumes.marked(self._api, self._build_id)):
            return
        source = dict([action.source] if action.source else [])
        if image_id := source.get("imageRef"):
            self._require_readable(image_id)
        body: dict[str, Any] = {
            "name": name,
            "size": action.size_gib,
            **source,
            "metadata": {VOLUME_MARK: self._build_id},
        }
        if self._spec.hardware.volume_zone:
            body["availability_zone"] = self._spec.hardware.volume_zone
        if self._spec.hardware.volume_type and (image_id or not source):
            # A copy of a volume or snapshot has the type of that by itself.
            body["volume_type"] = self._spec.hardware.volume_type
        self._verify_held()
        made = volumes.create(self._api, body)
        self._memory.made(Volume, action.role, made)

    def _create_snapshot(self, action: CreateSnapshot) -> None:
        listed = volumes.marked_snapshots(self._api, self._build_id)
        if self._is_listed(self._result, listed):
            return
        body = {
            "name": self._result,
            "volume_id": action.volume_id,
            "metadata": {VOLUME_MARK: self._build_id},
        }
        self._verify_held()
        made = volumes.create_snapshot(self._api, body)
        self._memory.made(Snapshot, Role.RESULT, made)

    def _create_image(self, action: CreateImage) -> None:
        image, tags = action.image, {build_tag(self._build_id), PART_TAG}
        name = resource_name(self._build_id, image.role)
        if image.shared_key:
            tags.add(shared_tag(image.shared_key))
            name = f"imagebuild-{image.role}-{image.shared_key[:16]}"
            if adopted := self._adopt(image):
                self._memory.made(Image, image.role, adopted)
                return
        made = images.create(
            self._api,
            name=name,
            tags=tags,
            properties={**self._spec.formats.required, **action.properties},
            disk_format=image.disk_format,
            container_format=image.container_format,
        )
        self._memory.made(Image, image.role, made.id)

    def _adopt(self, image: BootImage) -> str:
        """Claim shared content that is there already, whoever brought it; its ID or ''.

        A tag is anybody's: it must have the sha512 that the content has. It must be of the
        same format, too, as Cinder may convert nothing.
        """
        tag = shared_tag(image.shared_key)
        listed = images.tagged(self._api, tag, hidden=True)
        active = [
            i
            for i in listed
            if i.status == "active" and i.sha512 and i.disk_format == image.disk_format
        ]
        wanted = self.sha512_of(image) if active else ""
        for candidate in active:
            if wanted and candidate.sha512 == wanted:
                images.tag(self._api, candidate.id, build_tag(self._build_id))
                return candidate.id
        return ""

    def sha512_of(self, image: BootImage) -> str:
        """Return the sha512 of shared content, '' where nobody knows it.

        Of what this client has read, now or before: what is written on an image, or in a
        record, is anybody's word.

        :raises: as `act`
        """
        if isinstance(image.content, IsoContent):
            return image.content.sha512
        key = image.shared_key
        if key not in self._measured:
            with self._open(image.content) as (data, _):
                self._measured[key] = measured.measure(data, self._heartbeat)
        return self._measured[key]

    def _open(self, content: Content) -> AbstractContextManager[tuple[IO[bytes], int]]:
        if isinstance(content, IsoFile) and content.image_id:
            self._require_readable(content.image_id)
        ask_for = functools.partial(images.reader, self._api)
        clock, door = self._api.clock, self._door
        return open_content(content, self._texts, ask_for, self._heartbeat, clock, door)

    def _upload(self, action: UploadImage | ImportImage) -> None:
        image = action.image
        with self._open(image.content) as (data, size):
            stream = measured.MeasuredReader(data)
            path = f"/images/{action.image_id}/file"
            self._api.upload(path, cast(IO[bytes], stream), size, self._heartbeat)
        if image.shared_key:
            self._measured[image.shared_key] = stream.sha512

    def _require_readable(self, image_id: str) -> None:
        """See to it that the user's own image, as a record names it, is the project's.

        :raises: CloudError
        """
        media = self._spec.media
        own = (media.iso.image_id, media.drivers.image_id, media.parent.image_id)
        if not image_id or image_id not in own:
            return
        image = images.find(self._api, image_id)
        if image is None or not may_read(image, self._api.project_id()):
            raise CloudError(
                f"image {image_id}, which the build is to be made of, is none of this "
                "project's and not shared with it",
                service="image",
            )
        wanted = media.parent.sha512 if image_id == media.parent.image_id else ""
        if wanted and image.sha512 != wanted:
            raise CloudError(
                f"image {image_id} is not what it was when the build was planned: create "
                "the build again",
                service="image",
            )

    def _import(self, action: ImportImage) -> None:
        """Ask Glance to fetch it; where it will not, fetch it for Glance."""
        content = action.image.content
        assert isinstance(content, IsoContent)
        self._door.require_public(content.url)
        try:
            images.fetch(self._api, action.image_id, content.url)
        except CloudError as error:
            # Source: glance.api.v2.images refuses addresses, and methods that are
            # switched off, with 400, and by policy with 403.
            if error.status not in (400, 403):
                raise
            self._upload(action)

    def _create_server(self, action: CreateServer) -> None:
        name = resource_name(self._build_id, action.role)
        listed = servers.tagged(self._api, build_tag(self._build_id))
        if self._is_listed(name, (s for s in listed if s.id not in action.instead_of)):
            return
        spec = boots.on(self._spec, action.boot)
        body: dict[str, Any] = {
            "name": name,
            "flavorRef": spec.hardware.flavor_id,
            "networks": nics.of_server(spec.network, action.role),
            "tags": [build_tag(self._build_id), PART_TAG],
        }
        devices = [servers.device(d) for d in action.devices]
        if action.image_id:
            self._require_readable(action.image_id)
            body["imageRef"] = action.image_id
        if devices and action.image_id:
            devices.insert(0, servers.local_disk(action.image_id))
        if devices:
            body["block_device_mapping_v2"] = devices
        if spec.network.config_drive or action.config_drive:
            body["config_drive"] = True
        text = self._texts.get(action.user_data, "")
        if text:
            body["user_data"] = servers.encode(text)
        if spec.network.security_groups:
            body["security_groups"] = [
                {"name": n} for n in spec.network.security_groups
            ]
        if spec.hardware.availability_zone:
            body["availability_zone"] = spec.hardware.availability_zone
        if spec.hardware.server_properties:
            body["metadata"] = dict(spec.hardware.server_properties)
        nics.require_own_ports(self._api, spec.network)
        self._verify_held()
        try:
            made = self._start(body, required=spec.network.config_drive)
            self._memory.made(Server, action.role, made)
        except CloudError as error:
            address = body["networks"][0].get("fixed_ip")
            if address and "in use" in str(error):
                taken = install.address_taken(address, str(error))
                raise because(error, taken) from error
            if told := nics.explained(spec.network, error):
                raise told from error
            raise

    def _start(self, body: dict[str, Any], *, required: bool) -> str:
        """Ask for a server, without a config drive where that may be the reason not to."""
        try:
            return servers.create(self._api, body, self._spec.hardware.hints)
        except CloudError as error:
            drive = body.pop("config_drive", False)
            if error.status not in (400, 403) or required or not drive:
                raise
            return servers.create(self._api, body, self._spec.hardware.hints)

    def _set_image(self, action: SetImage) -> None:
        own = {build_tag(self._build_id), PART_TAG}
        tags = action.tags | own if BUILD_TAG in action.tags else action.tags
        core: dict[str, Any] = {
            "name": action.name,
            "os_hidden": action.hidden,
            "visibility": action.visibility,
            "tags": sorted(tags - {BUILD_TAG}),
            "min_disk": action.min_disk_gib,
            "min_ram": action.min_ram_mib,
        }
        if action.protected:
            core["protected"] = True
        operations = images.set_operations(action.image, action.properties, core)
        images.patch(self._api, action.image.id, operations)
        self._retire(action.then)

    def _delete_image(self, image_id: str) -> None:
        image = images.find(self._api, image_id)
        if image is not None:
            release(self._api, self._build_id, image_id, image.tags)
