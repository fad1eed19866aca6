"""Reads a site's pages for the knowledge agent: `crawl` is one run, `Crawls` starts runs in the background.

Heavy imports (lxml, trafilatura) happen when the first crawl starts, not when the server does.
"""
