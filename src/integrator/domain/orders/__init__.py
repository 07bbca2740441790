"""Orders: the form a customer fills in, and what must be true of it."""

from integrator.domain.ordered import MAX_SEATS
from integrator.domain.orders.form import Attendee, Company, Customer, Form, canonical, form_hash
from integrator.domain.orders.jsontext import form_data
from integrator.domain.orders.reading import form_from

__all__ = [
    "MAX_SEATS",
    "Attendee",
    "Company",
    "Customer",
    "Form",
    "canonical",
    "form_data",
    "form_from",
    "form_hash",
]
