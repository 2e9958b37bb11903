"""The screens: thin routes that ask a door, and templates that draw what they are handed."""

from fastapi import APIRouter

from services.gateway.pages import children, front, office, responses
from services.gateway.pages.problem import problem

__all__ = ["problem", "router"]

#: Every page route; the app adds sessions, security headers, static files and the exception handlers.
router = APIRouter(include_in_schema=False)
for each in (front.router, children.router, responses.router, office.router):
    router.include_router(each)
