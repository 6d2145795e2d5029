"""Catalogs and controls as the command line prints them."""

from typing import Any

import click

from muniment.catalogs.crosswalk import links_from
from muniment.catalogs.framework import Catalog, Requirement


def show_catalog(found: Catalog) -> None:
    """Print a catalog as a tree."""
    click.echo(f"{found.title}, {found.version} ({found.publisher})")
    for key in ("source", "checked_against", "licence", "attribution", "superseded_by", "note"):
        if value := getattr(found, key):
            click.echo(f"  {key.replace('_', ' ')}: {value}")
    click.echo(f"  class: {found.licence_class}, {found.licence_class.meaning}")
    click.echo(f"  count: {found.count.number:,} {found.count.what} ({found.count.source})")
    for one in found.sets:
        click.echo(f"  {one.title}: {one.number:,}")
    click.echo()
    for row in found.requirements:
        depth = sum(1 for _ in found.above(row))
        mark = {"group": "", "requirement": "· ", "part": "- "}[row.kind]
        spelt = f" ({row.published_as})" if row.published_as else ""
        click.echo(f"{'  ' * depth}{mark}{row.id}{spelt}  {row.label}".rstrip())


def show_control(found: Catalog, row: Requirement) -> None:
    """Print one control with what is above it and where crosswalks lead."""
    click.echo(f"{found.control_id(row)}  {found.name_of(row)}")
    click.echo(f"  in {found.title}, {found.version}")
    for above in found.above(row):
        click.echo(f"  below {above.id} {above.label}".rstrip())
    if row.sets:
        click.echo(f"  in {', '.join(one.title for one in found.sets if one.id in row.sets)}")
    for link in links_from(found.control_id(row)):
        click.echo(f"  {link.relation}: {link.control} ({link.crosswalk})")
    if row.text:
        click.echo(f"\n{row.text}")


def show_list(found: list[dict[str, Any]]) -> None:
    """Print the catalogs of a ledger."""
    width = max(len(one["id"]) for one in found)
    for one in found:
        own = "  (yours)" if one["imported"] else ""
        count = f"{one['count']:>5,} {one['counts']}"
        click.echo(
            f"{one['id']:<{width}}  {one['licence_class']}  {count:<52.52}  {one['title']}, {one['version']}{own}"
        )
    click.echo(f"\n{len(found)} catalogs, {sum(bool(one['imported']) for one in found)} of them brought in.")
