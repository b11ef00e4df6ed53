"""Home."""
from app.security.permissions import Permission
from components.page import PageContext, page


@page("/", title="Home", icon="home", permission=Permission.READ_SHARED, key="h", order=1)
async def home(ctx: PageContext) -> None:
    with ctx.header("Home"):
        pass
    ctx.body()
