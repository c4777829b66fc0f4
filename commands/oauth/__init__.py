"""Signing in by an account somewhere else: OAuth 2, the code flow with PKCE.

flows       what is under way: states and one-time codes, each good for one use
provider    what the provider is asked, over HTTP
people      whose account it is: found, linked or made
redirects   where a browser may be sent
"""
