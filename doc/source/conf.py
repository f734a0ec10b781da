"""Sphinx settings."""

import importlib.metadata

project = "osc-imagebuild"
copyright = "the osc-imagebuild authors"
release = importlib.metadata.version("osc-imagebuild")

extensions = [
    "cliff.sphinxext",
    "openstackdocstheme",
    "reno.sphinxext",
    "sphinx.ext.autodoc",
]
html_theme = "openstackdocs"
openstackdocs_auto_name = False
openstackdocs_auto_version = False
# No page links to a bug tracker: there is none that every reader could use.
openstackdocs_bug_project = ""
openstackdocs_bug_tag = ""

autoprogram_cliff_application = "openstack"
# They belong to the client or to the table formatter, and are the same everywhere.
autoprogram_cliff_ignored = [
    "--help",
    "--format",
    "--column",
    "--max-width",
    "--fit-width",
    "--print-empty",
    "--prefix",
    "--noindent",
    "--quote",
    "--sort-column",
    "--sort-ascending",
    "--sort-descending",
]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
