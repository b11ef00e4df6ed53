"""Who may do what: roles, permissions, and the one table that joins them."""

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Permission(StrEnum):
    CHAT = "chat"  # chat, own conversations
    OWN_KEYS = "own_keys"  # own keys within own limits, own usage
    READ_SHARED = "read_shared"  # shared conversations, models, health
    READ_ALL_LOGS = "read_all_logs"  # analytics and logs of everyone, without bodies
    READ_BODIES = "read_bodies"  # bodies of others' requests
    MANAGE_GATEWAY = "manage_gateway"  # providers, routers, prices, all keys, settings
    MANAGE_PEOPLE = "manage_people"  # people and roles below one's own, audit log
    OWN_SERVER = "own_server"  # owner role, master key, backup and restore


_TABLE: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission) - {Permission.READ_BODIES, Permission.OWN_SERVER},
    Role.MEMBER: frozenset({Permission.CHAT, Permission.OWN_KEYS, Permission.READ_SHARED}),
    Role.VIEWER: frozenset({Permission.READ_SHARED, Permission.READ_ALL_LOGS}),
}
_RANK = {Role.VIEWER: 0, Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}


def allows(role: Role, permission: Permission) -> bool:
    return permission in _TABLE[role]


def outranks(role: Role, other: Role) -> bool:
    """Whether a person of `role` may manage one of `other`: those below; an owner also other owners."""
    return role is Role.OWNER or _RANK[role] > _RANK[other]
