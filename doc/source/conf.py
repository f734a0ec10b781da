"""Sphinx settings."""

import importlib.metadata
import sys
from pathlib import Path

from osc_imagebuild.guests import catalog_schema
from osc_imagebuild.template import schema

sys.path.insert(0, str(Path(__file__).parents[1] / "ext"))

project = "osc-imagebuild"
copyright = "the osc-imagebuild authors"
release = importlib.metadata.version("osc-imagebuild")

extensions = [
    "cliff.sphinxext",
    "reno.sphinxext",
    "sphinx.ext.autodoc",
    "template_reference",
]
# The schemas themselves, for editors.
html_extra_path = [str(schema.FILE), str(catalog_schema.FILE)]
# Not openstackdocstheme: it puts the OpenStack project's licence, links and web
# statistics on every page.
html_theme = "alabaster"
html_theme_options = {
    "description": "Images made by the vendor's own installer",
    "page_width": "1100px",
    "sidebar_width": "250px",
}
html_sidebars = {"**": ["about.html", "searchbox.html", "navigation.html"]}
html_show_sourcelink = False
html_show_sphinx = False

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
