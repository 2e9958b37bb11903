"""Answers to requests that are refused as a whole: ``application/problem+json``, Japanese first."""

from enum import Enum
from typing import NamedTuple

from starlette.responses import JSONResponse

from contracts.codes import Refusal

MEDIA_TYPE = "application/problem+json"


class _Problem(NamedTuple):
    status: int
    code: Refusal
    title: str
    title_en: str
    mend_ja: str
    mend_en: str


class Problem(_Problem, Enum):
    """Why a request is refused as a whole."""

    not_json = _Problem(
        400,
        Refusal.not_json,
        "本文をJSONとして読めません。",
        "The body is not valid JSON.",
        "波かっこ・引用符・コンマを確かめてください。",
        "Check braces, quotes and commas.",
    )
    not_utf8 = _Problem(
        400,
        Refusal.not_utf8,
        "本文の文字コードがUTF-8ではありません。",
        "The body is not UTF-8.",
        "UTF-8で送り直してください。",
        "Send it as UTF-8.",
    )
    bad_header = _Problem(
        400,
        Refusal.bad_header,
        "読めないヘッダーがあります。",
        "There is a header that cannot be read.",
        "ヘッダーはUTF-8で送り、英数字以外は%で符号化してください。",
        "Send headers as UTF-8 and percent-encode what is not ASCII.",
    )
    bad_gzip = _Problem(
        400,
        Refusal.not_json,
        "gzipとして展開できません。",
        "The body is not valid gzip.",
        "圧縮し直すか、圧縮せずに送ってください。",
        "Compress it again, or send it uncompressed.",
    )
    bad_clock = _Problem(
        400,
        Refusal.schema,
        "dateとphaseを読めません。",
        "date and phase cannot be read.",
        '{"date":"YYYY-MM-DD","phase":"settle"} の形で送ってください(phaseは settle か close)。',
        'Send {"date":"YYYY-MM-DD","phase":"settle"}; phase is settle or close.',
    )
    bad_counts = _Problem(
        400,
        Refusal.schema,
        "読めなかった行の数を読めません。",
        "The counts of unread rows cannot be read.",
        '{"refused":{"bad_row":3}} の形で送ってください(数は1から10000)。',
        'Send {"refused":{"bad_row":3}}; counts are 1 to 10000.',
    )
    impossible_date = _Problem(
        422,
        Refusal.impossible_date,
        "ありえない日付です。",
        "The date is impossible.",
        "過去6年から先400日までの日付を送ってください。",
        "Send a date between six years ago and 400 days ahead.",
    )
    all_refused = _Problem(
        422,
        Refusal.schema,
        "受け付けられる記録がありませんでした。",
        "No record could be accepted.",
        "refused の理由を見て直し、送り直してください。",
        "Mend the records as refused tells, and send them again.",
    )
    empty = _Problem(
        422,
        Refusal.schema,
        "記録がありません。",
        "There are no records.",
        "1件以上の記録を送ってください。",
        "Send at least one record.",
    )
    no_key = _Problem(
        401,
        Refusal.bad_key,
        "APIキーがありません。",
        "There is no API key.",
        "Authorization: Bearer kz_… を付けてください。",
        "Add Authorization: Bearer kz_…",
    )
    unknown_key = _Problem(
        401,
        Refusal.bad_key,
        "このAPIキーは登録されていません。",
        "This API key is not known.",
        "鍵を確かめるか、管理者に新しい鍵をもらってください。",
        "Check the key, or ask the administrator for a new one.",
    )
    revoked_key = _Problem(
        401,
        Refusal.bad_key,
        "このAPIキーは無効にされました。",
        "This API key has been revoked.",
        "管理者に新しい鍵をもらってください。",
        "Ask the administrator for a new one.",
    )
    expired_key = _Problem(
        401,
        Refusal.bad_key,
        "このAPIキーは期限が切れました。",
        "This API key has expired.",
        "管理者に新しい鍵をもらってください。",
        "Ask the administrator for a new one.",
    )
    no_scope = _Problem(
        403,
        Refusal.forbidden_type,
        "この鍵では学校時計を進められません。",
        "This key may not move the school clock.",
        "clock-advanced を送れる鍵を使ってください。",
        "Use a key that may send clock-advanced.",
    )
    not_found = _Problem(
        404,
        Refusal.unknown_type,
        "この宛先はありません。",
        "There is nothing at this address.",
        "宛先を確かめてください。種類の一覧は GET /v1/schemas です。",
        "Check the address; GET /v1/schemas lists the types.",
    )
    bad_method = _Problem(
        405,
        Refusal.unknown_type,
        "この宛先ではその方法を使えません。",
        "This method is not allowed here.",
        "記録は POST /v1/events に送ってください。",
        "Send records to POST /v1/events.",
    )
    too_slow = _Problem(
        408,
        Refusal.internal,
        "本文が届ききりません(60秒まで)。",
        "The body did not arrive in time (60 seconds).",
        "通信を確かめて、同じ内容を送り直すか、いくつかに分けて送ってください。",
        "Check the connection and send the same again, or in several parts.",
    )
    too_large = _Problem(
        413,
        Refusal.too_large,
        "本文が大きすぎます(2 MiB未満、または件数の上限)。",
        "The body is too large (2 MiB or more, or too many records).",
        "いくつかに分けて送ってください。",
        "Send it in several parts.",
    )
    unsupported = _Problem(
        415,
        Refusal.bad_header,
        "この形式の本文は受け付けていません。",
        "Bodies of this kind are not accepted.",
        "application/cloudevents+json、application/cloudevents-batch+json、application/x-ndjson、"
        "または ce- ヘッダー付きの application/json を、UTF-8で、無圧縮かgzipで送ってください。",
        "Send application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson, "
        "or application/json with ce- headers; UTF-8, plain or gzip.",
    )
    foreign_host = _Problem(
        421,
        Refusal.bad_host,
        "このホスト名では応答しません。",
        "This host name is not served here.",
        "案内されたアドレスを使うか、管理者に allowed_hosts への追加を頼んでください。",
        "Use the address you were given, or ask the administrator to add it to allowed_hosts.",
    )
    busy = _Problem(
        429,
        Refusal.internal,
        "混み合っています。",
        "The service is busy.",
        "Retry-After の秒数だけ待って、同じ内容を送り直してください。",
        "Wait as Retry-After says and send the same again.",
    )
    broken = _Problem(
        500,
        Refusal.internal,
        "処理中に誤りがありました。",
        "Something went wrong here.",
        "時間をおいて同じ内容を送り直し、続くときは管理者に知らせてください。",
        "Send the same again later; if it goes on, tell the administrator.",
    )
    unavailable = _Problem(
        503,
        Refusal.internal,
        "いま受け付けられません。受け付けたという返事があるまで、記録は保存されていません。",
        "Records cannot be taken just now; what was not answered with 202 is not stored.",
        "Retry-After の秒数だけ待って、同じ内容を送り直してください(重複は自動で除かれます)。",
        "Wait as Retry-After says and send the same again; duplicates are removed.",
    )


def answer(problem: Problem, **more: object) -> JSONResponse:
    """The response of a problem. ``more`` must hold no value of a record."""
    body = {
        "type": f"urn:kizashi:problem:{problem.name}",
        "title": problem.title,
        "title_en": problem.title_en,
        "status": problem.status,
        "code": problem.code.value,
        "mend_ja": problem.mend_ja,
        "mend_en": problem.mend_en,
        **more,
    }
    headers = {"Cache-Control": "no-store"}
    if problem.status in (429, 503):
        headers["Retry-After"] = "1"
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="kizashi"'
    return JSONResponse(body, problem.status, headers, MEDIA_TYPE)


class TurnedAway(Exception):
    """A request refused as a whole."""

    def __init__(self, problem: Problem, source: str = "") -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.source = source
