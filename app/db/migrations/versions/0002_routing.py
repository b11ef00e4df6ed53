"""Drafts and canaries of routers, tiers, statistics of deployments, sums by the hour, changes of prices."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deployment_numbers",
        sa.Column("deployment_id", sa.String(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_deployment_numbers")),
    )
    op.create_table(
        "hour_sum",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_kind", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("router", sa.String(), nullable=False),
        sa.Column("router_version", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_token_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_tokens", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hour_sum")),
        sa.UniqueConstraint(
            "hour",
            "key_id",
            "person_id",
            "provider_id",
            "model",
            "router",
            "router_version",
            "rule",
            name=op.f("uq_hour_sum_hour"),
        ),
    )
    with op.batch_alter_table("hour_sum", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hour_sum_hour"), ["hour"], unique=False)

    op.create_table(
        "price_change",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("provider_kind", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("before", sa.LargeBinary(), nullable=True),
        sa.Column("after", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_change")),
    )
    with op.batch_alter_table("price_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_change_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_price_change_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_price_change_provider_id"), ["provider_id"], unique=False)

    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("own_price", sa.LargeBinary(), nullable=True))

    with op.batch_alter_table("gateway_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tier", sa.String(), nullable=True))

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tier", sa.String(), nullable=True))

    with op.batch_alter_table("router", schema=None) as batch_op:
        batch_op.add_column(sa.Column("draft", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("draft_base", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("draft_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("draft_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("canary_version", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("canary_percent", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("canary_at", sa.BigInteger(), nullable=True))
