"""The contract: what an API means, and how documents and overlay become one."""
