"""Write the packages of a result as a software bill of materials.

The formats are those of CycloneDX and SPDX, by their own libraries, which are an extra.
The same manifest gives the same document, byte by byte.
"""

from __future__ import annotations

import functools
import importlib.util
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.manifest import Manager, Manifest, Package
from osc_imagebuild.version import tool_version

if TYPE_CHECKING:
    from license_expression import LicenseExpression, Licensing
    from packageurl import PackageURL

EXTRA = "osc-imagebuild[sbom]"
_TOOL = "osc-imagebuild"


def listing(manifest: Manifest) -> str:
    """Return one line for each package: name, version, architecture, licence; by tabs."""
    rows = ((p.name, p.version, p.arch, p.licence) for p in manifest.packages)
    return "".join("\t".join(row).rstrip("\t") + "\n" for row in rows)


def cyclonedx(manifest: Manifest) -> str:
    """Return CycloneDX 1.6 as JSON.

    :raises: SpecError where its library is not there
    """
    _require("cyclonedx")
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    licences = LicenseFactory()
    described = Component(
        name=manifest.result_id,
        type=ComponentType.OPERATING_SYSTEM,
        version=manifest.system.release or None,
        bom_ref=manifest.result_id,
    )
    bom = Bom(
        serial_number=_uuid(manifest),
        metadata=BomMetaData(component=described, timestamp=_moment(manifest)),
    )
    bom.metadata.tools.components.add(
        Component(name=_TOOL, type=ComponentType.APPLICATION, version=tool_version())
    )
    for package in manifest.packages:
        url = package_url(manifest, package)
        bom.components.add(
            Component(
                name=package.name,
                version=package.version,
                type=ComponentType.LIBRARY,
                purl=url,
                bom_ref=url.to_string(),
                licenses=[licences.make_from_string(package.licence)]
                if package.licence
                else None,
            )
        )
    bom.register_dependency(described, list(bom.components))
    outputter = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return outputter.output_as_string(indent=2) + "\n"


def spdx(manifest: Manifest) -> str:
    """Return SPDX 2.3 as JSON.

    :raises: SpecError where its library is not there
    """
    _require("spdx_tools")
    import json

    from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
    from spdx_tools.spdx.model import (
        Actor,
        ActorType,
        CreationInfo,
        Document,
        ExternalPackageRef,
        ExternalPackageRefCategory,
        Relationship,
        RelationshipType,
        SpdxNoAssertion,
    )
    from spdx_tools.spdx.model import Package as SpdxPackage

    root = "SPDXRef-image"
    packages = [
        SpdxPackage(
            spdx_id=root,
            name=manifest.result_id,
            version=manifest.system.release or None,
            download_location=SpdxNoAssertion(),
            files_analyzed=False,
        )
    ]
    relations = [Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, root)]
    for number, package in enumerate(manifest.packages, 1):
        name = f"SPDXRef-package-{number}"
        declared = _expression(package.licence)
        packages.append(
            SpdxPackage(
                spdx_id=name,
                name=package.name,
                version=package.version,
                download_location=SpdxNoAssertion(),
                files_analyzed=False,
                license_concluded=SpdxNoAssertion(),
                license_declared=SpdxNoAssertion() if declared is None else declared,
                license_comment=(package.licence or None) if declared is None else None,
                external_references=[
                    ExternalPackageRef(
                        ExternalPackageRefCategory.PACKAGE_MANAGER,
                        "purl",
                        package_url(manifest, package).to_string(),
                    )
                ],
            )
        )
        relations.append(Relationship(root, RelationshipType.CONTAINS, name))
    document = Document(
        CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id="SPDXRef-DOCUMENT",
            name=manifest.result_id,
            document_namespace=f"urn:uuid:{_uuid(manifest)}",
            creators=[Actor(ActorType.TOOL, f"{_TOOL}-{tool_version()}")],
            created=_moment(manifest).replace(tzinfo=None),
        ),
        packages=packages,
        relationships=relations,
    )
    return json.dumps(DocumentConverter().convert(document), indent=2) + "\n"


def package_url(manifest: Manifest, package: Package) -> PackageURL:
    """Return the address of a package that is the same for everybody.

    Source: the package-url specification, purl-types: deb and rpm; what has no type of its
    own is generic.
    """
    from packageurl import PackageURL

    kinds = {Manager.DEB: "deb", Manager.RPM: "rpm"}
    kind = kinds.get(manifest.manager, "generic") if manifest.manager else "generic"
    system = manifest.system
    qualifiers = {"arch": package.arch} if package.arch else {}
    version = package.version
    if kind == "rpm" and ":" in version:
        qualifiers["epoch"], _, version = version.partition(":")
    if system.id and system.version_id and kind != "generic":
        qualifiers["distro"] = f"{system.id}-{system.version_id}"
    return PackageURL(
        type=kind,
        namespace=system.id or None,
        name=package.name,
        version=version,
        qualifiers=qualifiers,
    )


FORMATS: Mapping[str, Callable[[Manifest], str]] = {
    "list": listing,
    "cyclonedx": cyclonedx,
    "spdx": spdx,
}


@functools.lru_cache(maxsize=1)
def _licensing() -> Licensing:
    """Return all licences of SPDX's list, which take a second to be read."""
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@functools.lru_cache(maxsize=4096)
def _expression(licence: str) -> LicenseExpression | None:
    """Return a licence as SPDX knows it, None for other words."""
    from license_expression import ExpressionError

    try:
        return _licensing().parse(licence, validate=True) if licence else None
    except (ExpressionError, ValueError):
        return None


def _require(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise SpecError(
            f"this format needs a library that is not installed: pip install '{EXTRA}'"
        )


def _uuid(manifest: Manifest) -> uuid.UUID:
    """Return the same number for the same result."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{manifest.build_id}/{manifest.result_id}")


def _moment(manifest: Manifest) -> datetime:
    return datetime.fromtimestamp(int(manifest.made_at), timezone.utc)
