"""Send one request to one service; time out, translate errors, tell the cloud's time.

Requests are raw and name their microversion, because a user's own
OS_COMPUTE_API_VERSION would otherwise apply to each of them, and because the
SDK's create_image adds properties and deletes on failure behind our back.
Source: facts of openstacksdk 4.22, openstack/image/v2/_proxy.py.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity import generic, v2, v3
from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack.connection import Connection
from openstack.exceptions import SDKException
from openstack.proxy import Proxy

from osc_imagebuild.clock import Clock
from osc_imagebuild.cloud import answers, api_errors, http_answers
from osc_imagebuild.cloud.retry import Body, retry_transient
from osc_imagebuild.errors import CloudError, TransientError
from osc_imagebuild.media.backoff import http_date

LOG = logging.getLogger(__name__)
T = TypeVar("T")

TIMEOUT_S = 60
TRANSFER_TIMEOUT_S = 600
# What an answer's time may be off without a reason; a clock that is set is more.
CREDIBLE_S = 120.0
MICROVERSIONS = {
    "compute": "2.52",  # tags at server create
    "volume": "3.22",  # snapshots filtered by metadata; visibility of uploads
    "placement": "1.18",  # resource providers by their traits
}

_SERVICES = {
    "image": "image",
    "compute": "compute",
    "network": "network",
    "volume": "block_storage",
    "key-manager": "key_manager",
    "identity": "identity",
}
# How the SDK says that the catalog lacks a service, or that it speaks no API.
_NO_SUCH_SERVICE = (
    ksa.CatalogException,
    ksa.DiscoveryFailure,
    SDKException,
    AttributeError,
)


class Api:
    """The user's session. ``calls`` and ``bytes_sent`` count what it cost."""

    def __init__(self, connection: Connection, clock: Clock | None = None) -> None:
        self.connection = connection
        http_answers.keep_at_home(connection.session)
        self.clock = clock or Clock()
        self.calls: Counter[str] = Counter()
        self.bytes_sent = 0
        # The cloud's time, and this machine's steady one at that moment.
        self._told: tuple[float, float] | None = None
        # What its last answer told, where that is another time altogether; by how much
        # any service's clock went ahead since; and what each told last.
        self._doubted: tuple[float, float] | None = None
        self._ahead = 0.0
        self._offsets: dict[str, float] = {}

    def now(self) -> float:
        """Seconds since the epoch by the cloud's clock.

        That is Glance's, whose times are those of records and leases, as soon as it has
        answered. As its last answer told it, moved on by a clock that nobody sets; after
        a sleep that such a clock does not count, the next two answers put it right.
        """
        if self._told is None:
            self._told = self._by_token()
        return self._since(self._told)

    def latest(self) -> float:
        """The same, or as much later as a single answer of any service told.

        For what must not be believed to be young: a machine that was suspended hears of
        it by the first answer.
        """
        return self.now() + self._ahead

    def _since(self, told: tuple[float, float]) -> float:
        return told[0] + self.clock.steady() - told[1]

    def has(self, service: str) -> bool:
        """Whether the catalog offers ``service``.

        :raises: as `project_id`; a Keystone that is away offers nothing
        """
        with translate_errors(*api_errors.LOGIN):
            try:
                return self._proxy(service).get_endpoint() is not None
            except _NO_SUCH_SERVICE:
                return False

    def place(self, service: str) -> tuple[str, str]:
        """Return the region that a service is in, and its address; '' where none is told.

        :raises: as `project_id`
        """
        with translate_errors(*api_errors.LOGIN):
            try:
                data = self._proxy(service).get_endpoint_data()
            except _NO_SUCH_SERVICE:
                return "", ""
        address = data.url if data else ""
        return (data.region_name or "" if data else ""), (address or "").rstrip("/")

    def service_types(self) -> set[str]:
        """Return the types of the services in the catalog.

        :raises: as `project_id`
        """
        session = self.connection.session
        auth = session.auth
        if not isinstance(auth, BaseIdentityPlugin):
            return set()
        with translate_errors(*api_errors.LOGIN):
            catalog = auth.get_access(session).service_catalog
            return {str(service["type"]) for service in catalog.catalog}

    def hosts(self) -> set[str]:
        """Return the names of the servers of this cloud, as far as they are told now."""
        urls = [self.identity_url()]
        for service in _SERVICES:
            with contextlib.suppress(CloudError):
                urls.append(self.place(service)[1])
        return {urlsplit(url).hostname or "" for url in urls} - {""}

    def versions(self, service: str) -> str:
        """Return the versions of a service's API, such as '2.1 to 2.104', '' for unknown.

        :raises: as `project_id`
        """
        with translate_errors(*api_errors.LOGIN):
            try:
                data = self._proxy(service).get_endpoint_data()
            except _NO_SUCH_SERVICE:
                return ""
        if data is None:
            return ""
        least, most = data.min_microversion, data.max_microversion
        told = [v for v in (least, most) if v] or [v for v in (data.api_version,) if v]
        return " to ".join(".".join(map(str, version)) for version in told)

    def identity_url(self) -> str:
        """Return where this session logs in, '' where nothing tells."""
        url = getattr(self.connection.session.auth, "auth_url", None) or ""
        return str(url).rstrip("/")

    def project_id(self) -> str:
        """Return the project that all of this is for.

        :raises: TransientError where Keystone does not answer, CloudError, also where
            the token is of no project: it would show what all of them have
        """
        with translate_errors(*api_errors.LOGIN):
            project_id = self.connection.session.get_project_id()
        if not project_id:
            raise CloudError(
                "this login is for no project, and builds belong to one; give "
                "--os-project-name, or another cloud in clouds.yaml",
                service="identity",
            )
        return str(project_id)

    def get(
        self,
        service: str,
        path: str,
        params: Mapping[str, str] | list[tuple[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Return the body of a GET, which is sent again where that may help.

        :raises: CloudError where the service refused, TransientError where
            another try may help.
        """
        return retry_transient(
            self.clock,
            lambda: _body(service, self.call(service, "GET", path, params=params)),
        )

    def read(
        self,
        service: str,
        path: str,
        parse: Callable[[Mapping[str, Any]], T],
        params: Mapping[str, str] | list[tuple[str, str]] | None = None,
    ) -> T:
        """Return what ``parse`` makes of the body of a GET; sent again as by `get`.

        :raises: as `get`; TransientError also where the body is not what the service
            should answer, whatever ``parse`` says of it
        """

        def ask() -> T:
            response = self.call(service, "GET", path, params=params)
            return _parsed(service, "GET", path, response, parse)

        return retry_transient(self.clock, ask)

    def change(
        self,
        service: str,
        method: str,
        path: str,
        parse: Callable[[Mapping[str, Any]], T],
        json: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = http_answers.LIMIT,
    ) -> T:
        """Return what ``parse`` makes of the answer to a change, sent once.

        :raises: as `read`; the change may have been carried out all the same.
            `http_answers.TooLargeError` where it has more than ``limit`` bytes
        """
        response = self.call(
            service, method, path, json=json, headers=headers, limit=limit
        )
        return _parsed(service, method, path, response, parse)

    def send(
        self,
        service: str,
        method: str,
        path: str,
        json: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = http_answers.LIMIT,
    ) -> dict[str, Any]:
        """Return the body of a request that changes something, {} if empty.

        :raises: as `get`; `http_answers.TooLargeError` where it has more than ``limit`` bytes
        """
        response = self.call(
            service, method, path, json=json, headers=headers, limit=limit
        )
        return _body(service, response) if response.content else {}

    def upload(
        self,
        path: str,
        data: IO[bytes],
        size: int,
        heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        """PUT ``size`` bytes into a queued image, with a ``heartbeat`` now and then.

        :raises: as `get`, and what ``heartbeat`` raises.
        """
        self.call(
            "image",
            "PUT",
            path,
            data=Body(data, size, heartbeat),
            headers={"Content-Type": "application/octet-stream"},
            timeout=TRANSFER_TIMEOUT_S,
        )
        self.bytes_sent += size

    def fresh_token(self) -> None:
        """Get a new token where the user's credentials can give one.

        Nova uploads a snapshot with the requester's token, however long it
        takes, so the token had better be young.
        """
        if (auth := self._renewable()) is not None:
            auth.invalidate()

    def token_life(self) -> float | None:
        """Seconds until the session ends; None where it can be renewed."""
        session = self.connection.session
        auth = session.auth
        if self._renewable() or not isinstance(auth, BaseIdentityPlugin):
            return None
        try:
            expires = auth.get_access(session).expires
        except ksa.ClientException:
            return None
        return None if expires is None else float(expires.timestamp() - self.now())

    def _renewable(self) -> BaseIdentityPlugin | None:
        """Return credentials that can give a new token; None for a bare token."""
        auth = self.connection.session.auth
        if isinstance(auth, (v3.Token, v2.Token, generic.Token)):
            return None
        return auth if isinstance(auth, BaseIdentityPlugin) else None

    def _proxy(self, service: str) -> Adapter:
        """Return the adapter of a service, also of one that the SDK does not know."""
        if service in _SERVICES:
            proxy: Adapter = getattr(self.connection, _SERVICES[service])
            return proxy
        config = self.connection.config
        return Adapter(
            self.connection.session,
            service_type=service,
            interface=config.get_interface(service),
            region_name=config.get_region_name(service),
        )

    def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        timeout: float = TIMEOUT_S,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        limit: int = http_answers.LIMIT,
        **kwargs: Any,
    ) -> requests.Response:
        """Send one request; return its good response, not read yet with ``stream``."""
        if service in MICROVERSIONS:
            kwargs["microversion"] = MICROVERSIONS[service]
        self.calls[f"{service} {method}"] += 1
        # The first look at a service logs in and asks for its versions.
        with translate_errors(service, method, path):
            proxy = self._proxy(service)
            if isinstance(proxy, Proxy):
                kwargs["skip_cache"] = True
            response: requests.Response = proxy.request(
                path,
                method,
                timeout=timeout,
                headers=dict(headers or {}),
                connect_retries=0,
                status_code_retries=0,
                stream=True,
                # The session would tell debug logs of answer files, keys and tokens.
                log=False,
                **{k: v for k, v in kwargs.items() if v is not None},
            )
            if not stream or response.status_code >= 300:
                http_answers.read_body(response, service, limit, self.clock)
        self._note_clock(service, response)
        # Neither bodies nor headers: user data and tokens are in them.
        LOG.debug("%s %s %s: %d", service, method, path, response.status_code)
        if asked := api_errors.request_id(response):
            LOG.debug("that was request %s of %s", asked, service)
        if response.status_code >= 300:
            raise api_errors.from_response(service, method, path, response)
        return response

    def _note_clock(self, service: str, response: requests.Response) -> None:
        """Believe one service, and of another time altogether only its second word.

        Hosts of a cloud may be apart by hours, and a Date may be garbled.
        """
        time = http_date(response.headers.get("Date"))
        if time is None:
            return
        told = time, self.clock.steady()
        is_first = service == "image" and service not in self._offsets
        offset = told[0] - told[1]
        jump = offset - self._offsets.setdefault(service, offset)
        self._offsets[service] = offset
        if jump > CREDIBLE_S:
            self._ahead = max(self._ahead, jump)
        if service != "image" and "image" in self._offsets:
            return
        doubted, self._doubted = self._doubted, None
        known = [each for each in (self._told, doubted) if each]
        near = any(abs(time - self._since(other)) < CREDIBLE_S for other in known)
        if is_first or near or not known:
            self._told, self._ahead = told, 0.0
        else:
            self._doubted = told

    def _by_token(self) -> tuple[float, float]:
        """Return the time by a new token: not every web server sends Date."""
        auth, issued = self._renewable(), None
        if auth is not None:
            auth.invalidate()
            with translate_errors(*api_errors.LOGIN):
                issued = auth.get_access(self.connection.session).issued
        told = self.clock.time() if issued is None else float(issued.timestamp())
        return told, self.clock.steady()


@contextmanager
def translate_errors(service: str, method: str, path: str) -> Iterator[None]:
    """Translate errors of a request, or of the login before it, into this package's."""
    try:
        yield
    # What Keystone answered and broke off is worth another try as well.
    except (
        ksa.ConnectionError,
        ksa.InvalidResponse,
        requests.RequestException,
    ) as error:
        if api_errors.is_login(str(error)):
            service, method, path = api_errors.LOGIN
        raise TransientError(
            f"no answer to {method} {path}: {error}", service=service
        ) from error
    except ksa.HttpError as error:
        raise api_errors.from_session(service, method, path, error) from error
    except (ksa.ClientException, SDKException) as error:
        raise CloudError(str(error), service=service) from error
    except (AttributeError, LookupError, TypeError) as error:
        # A token, or a list of versions, of another shape than keystoneauth expects.
        raise TransientError(
            f"what {service} told of itself cannot be read: {error!r:.200}",
            service=service,
        ) from error


def _parsed(
    service: str,
    method: str,
    path: str,
    response: requests.Response,
    parse: Callable[[Mapping[str, Any]], T],
) -> T:
    """Return what ``parse`` makes of a good response.

    :raises: TransientError as `garbled`
    """
    body, told = _body(service, response), api_errors.request_id(response)
    with garbled(service, f"{method} {path}", response.status_code, told):
        return parse(body)


@contextmanager
def garbled(
    service: str, asked: str, status: int = 0, request_id: str = ""
) -> Iterator[None]:
    """Translate what reading an answer of the wrong shape raises into this package's errors.

    :raises: TransientError: it may be a proxy's answer, or of a service that breaks, and
        the next one may be right
    """
    try:
        yield
    except answers.GARBLED as error:
        raise TransientError(
            f"the answer to {asked} is garbled: {error!r:.200}",
            service=service,
            status=status,
            request_id=request_id,
        ) from error


def _body(service: str, response: requests.Response) -> dict[str, Any]:
    """Return an object as it is, anything else under the key ''."""
    try:
        body = response.json()
    except (ValueError, RecursionError) as error:
        raise TransientError(
            "the answer broke off or is not JSON",
            service=service,
            status=response.status_code,
            request_id=api_errors.request_id(response),
        ) from error
    return body if isinstance(body, dict) else {"": body}
