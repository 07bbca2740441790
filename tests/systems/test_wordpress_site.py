"""What is on a site: posts out of its answers, also when a plugin spoils them."""

from typing import Any

import pytest

from integrator.errors import BadAnswer
from integrator.home import shipped
from integrator.systems.http import Http
from integrator.systems.wordpress import load_fields
from integrator.systems.wordpress.api import Api
from integrator.systems.wordpress.site import Reader


@pytest.mark.parametrize("item", [None, "post", [1], 7, {}, {"id": "x", "slug": "a", "status": "publish"}])
def test_what_is_no_post_is_a_bad_answer(item: Any) -> None:
    mapping = load_fields(shipped() / "config" / "wordpress.toml", shown="config/wordpress.toml")
    api = Api(Http(system="wordpress", base_url="http://127.0.0.1:9", user_agent="t"))
    with pytest.raises(BadAnswer) as bad:
        Reader(api, mapping.types["course"]).post_from(item)
    assert bad.value.code == "bad_post"
