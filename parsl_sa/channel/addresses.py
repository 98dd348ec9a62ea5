"""Where this node can be reached by the others of its study."""

from __future__ import annotations

import ipaddress

from parsl_sa.errors import StudyError


def local_address(where: str) -> str:
    """Turn a site's word for an address into an IP literal of this node.

    Parameters
    ----------
    where : str
        An IP literal, or ``"interface:NAME"`` for the address of a network interface, or ``"hostname"``
        for that of the host's name.

    Raises
    ------
    StudyError
        If it is none of them, or the interface or name has no address.

    Examples
    --------
    >>> local_address("127.0.0.1")
    '127.0.0.1'
    >>> local_address("interface:lo")
    '127.0.0.1'
    """
    from parsl.addresses import address_by_hostname, address_by_interface  # noqa: PLC0415 - 0.3 s, often needless

    try:
        if where == "hostname":
            return str(address_by_hostname())
        if where.startswith("interface:"):
            return str(address_by_interface(where.removeprefix("interface:")))
        return str(ipaddress.ip_address(where))
    except (OSError, ValueError) as error:
        raise StudyError(
            f"'{where}' gives no address on this node ({error}); use an IP address, "
            "'interface:NAME' (see `ip addr`) or 'hostname'"
        ) from error
