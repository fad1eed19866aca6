"""Reads a site's pages for the knowledge agent. `crawl` runs once; `Crawls` starts runs in the background.

lxml and trafilatura are imported when the first crawl starts.
"""
