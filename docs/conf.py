"""Settings of Sphinx."""

from importlib.metadata import version as version_of

project = "django-billing-webhooks"
author = "django-billing-webhooks contributors"
copyright = f"2026, {author}"
release = version = version_of("django-billing-webhooks")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

# Links to a heading (page.md#heading) work down to this level.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]

html_theme = "furo"
html_title = f"{project} {release}"
# The pages are complete without an address to show their source at.
html_copy_source = False
html_show_sourcelink = False
