"""The one room that knows httpx: a request goes out, heads and chunks come back.

Both transports give the same thing: ``open`` waits for its turn, sends a GET request,
follows redirects, tries again where that may help, and hands out the open answer as a
context manager. What httpx raises leaves as an error of this package.

A client of the user's is asked by its ``send``. Of our own the transport below is asked
itself: redirects, cookies and headers are all that the client would add, and that is most
of what a call costs. Where the environment names a proxy, the client chooses among several.

It is imported by a client's first request, and with it httpx, which takes a while; the
first request also makes httpx's own client and its TLS context.
"""
