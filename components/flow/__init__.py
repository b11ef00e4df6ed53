"""The picture of a router: requests flow through its rules to deployments, drawn with Vue Flow."""

from components.flow.route_flow import RouteFlow

__all__ = ["RouteFlow"]
