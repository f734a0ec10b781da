"""The only users of openstacksdk: one way to call, and what is called.

`api` sends one request and translates its errors; `observe` reads a build's
resources; `act` changes one thing; `inventory` answers what planning asks.
"""
