import pytest
from tests.integration.gateway.house import House, decode
from tests.integration.gateway import city
pytestmark = pytest.mark.asyncio(loop_scope="module")
import time
async def test_x(house: House):
    c = await house.sign_in("homeroom A51")
    f=decode(await c.get("/v1/session")); print(f)
    b=decode(await c.get("/v1/board")); print([ (x["child"]["name"],x["basis"],len(x["reasons"])) for x in b["open"]])
    k=decode(await c.get(f"/v1/children/{city.child_id('A51',1)}")); print({a:(v if len(str(v))<300 else '...') for a,v in k.items()})
    r=decode(await c.get(f"/v1/classes/{city.CLASSES['A51']}")); print(r["rows"][0])
    for name,path in (("board","/v1/board"),("child",f"/v1/children/{city.child_id('A51',1)}"),("class",f"/v1/classes/{city.CLASSES['A51']}")):
        ts=[]
        for _ in range(20):
            a=time.perf_counter(); await c.get(path); ts.append(time.perf_counter()-a)
        print(name, sorted(ts)[10]*1e3,"ms")
    for p in ("/","/search?query=やまだ",f"/children/{city.child_id('A51',3)}","/classes","/password", "/operations","/admin"):
        a=await c.get(p); print(p,a.status_code,len(a.text))
