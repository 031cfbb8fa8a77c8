"""The pages of the service: Read, Studies and Review. Server-rendered, a little plain JavaScript, no build step, no other host.

A page has no inline script, style or handler, so that it works under ``default-src 'self'; img-src 'self' blob: data:``. What came from
outside (film names, comments) is escaped by jinja2, and set as text by the scripts.
"""

from hilum.serve.pages.router import pages_router
from hilum.serve.pages.site import ServedBundle, Site

__all__ = ["ServedBundle", "Site", "pages_router"]
