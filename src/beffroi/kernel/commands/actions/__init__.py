"""Every write of the commands' room."""

from beffroi.kernel.commands.actions.asking import ask
from beffroi.kernel.commands.actions.deciding import authorise, cancel, deny
from beffroi.kernel.commands.actions.profile import publish_abilities

__all__ = ["ask", "authorise", "cancel", "deny", "publish_abilities"]
