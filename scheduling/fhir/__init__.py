"""
The clinic as FHIR R4: people, calendars and visits for other systems (scheduling reference, section 16).

The core knows no Django and no clock: `table` says what there is, `search` reads what is asked for, `people`,
`calendars` and `visits` draw resources from plain values, `bodies` reads what is sent, `bundles`, `outcomes` and
`capability` draw the rest. `rows` and `free_times` read, `writes` acts through the services, `api` is the edge.
"""
