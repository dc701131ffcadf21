"""Connecting Google and Outlook from the profile: there, agreed, and back with the e-mail shown and the settings open."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from conftest import make_employee
from integrations.models import Account
from integrations.oauth.tests.desk import WHO
from integrations.pages.tests.person import choose
from integrations.testing.consent import decide

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]

CALENDARS = reverse("integrations:calendars")


def asked(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.mark.feature("A12", "C1", "C2")
def test_the_button_leads_to_consent_and_back_to_the_open_settings(client, employee, desk, background):
    """Red without `choice` in the card: the settings stay shut."""
    desk.set_up()
    before = client.get(CALENDARS).content.decode()
    assert "External services" in before
    assert "Not connected. Click to connect" in before
    answer = desk.consent(client)
    page = answer.content.decode()
    account = Account.objects.get()
    assert answer.redirect_chain[-1][0] == f"{CALENDARS}#account-{account.pk}"
    assert account.state == Account.State.CONNECTED, account.steps
    assert (account.identity, account.user_id) == (WHO, employee.user_id)
    assert account.subject
    assert WHO in page
    assert "Connect another account" in page
    assert 'name="reads"' in page
    assert 'name="writes"' in page
    assert account.secrets["refresh_token"] not in page
    # Choosing there and then is the end of it.
    main = next(one["id"] for one in account.calendars if one["primary"])
    choose(client, account, reads=[main], writes=main)
    assert account.links.filter(reads=True, writes=True).count() == 1
    assert 'name="reads"' not in client.get(CALENDARS).content.decode()


@pytest.mark.feature("C10")
def test_it_asks_with_state_and_pkce_for_lasting_access_and_an_account_to_choose(client, desk):
    """Red without oauth_pkce_enabled in list_apps. What a link adds is ignored."""
    desk.set_up()
    query = "?scope=https://evil.example.org/&auth_params=prompt%3Dnone&process=login"
    answer = client.post(reverse("integrations:connect_with", args=[desk.provider]) + query)
    said = asked(answer["Location"])
    assert (said["response_type"], said["code_challenge_method"]) == ("code", "S256")
    assert len(said["code_challenge"]) == 43
    assert len(said["state"]) >= 16
    assert "select_account" in said["prompt"].split()
    assert desk.scope in said["scope"].split()
    assert "evil" not in answer["Location"]
    assert said["redirect_uri"].startswith("http://localhost:8000/account/")
    if desk.provider == "google":
        assert (said["access_type"], said["include_granted_scopes"]) == ("offline", "true")
        assert "consent" in said["prompt"].split()
    else:
        assert "offline_access" in said["scope"].split()
        assert urlsplit(answer["Location"]).path == "/common/oauth2/v2.0/authorize"


@pytest.mark.feature("A3")
def test_personal_and_company_accounts_of_any_tenant_are_taken(client, outlook, background):
    """Red with another authority than common as the set-up's default."""
    outlook.set_up()
    outlook.server.add_person("private@example.net", "Private Person", tenant="")
    outlook.consent(client, "private@example.net")
    assert set(Account.objects.values_list("identity", "state")) == {("private@example.net", "connected")}


def test_the_address_to_come_back_to_is_never_taken_from_the_request(client, desk, settings):
    settings.SITE_URL = "https://booking.example.org"
    settings.ALLOWED_HOSTS = ["*"]
    desk.set_up()
    url = reverse("integrations:connect_with", args=[desk.provider])
    answer = client.post(url, headers={"host": "evil.example.org", "x-forwarded-host": "evil.example.org"})
    assert asked(answer["Location"])["redirect_uri"].startswith("https://booking.example.org/account/")


def test_a_get_begins_nothing(client, desk):
    desk.set_up()
    page = client.get(reverse("integrations:connect_with", args=[desk.provider]))
    assert page.status_code == 200
    assert "socialaccount_states" not in client.session
    assert desk.server.address in page["Content-Security-Policy"]


def test_who_cancels_is_told_so(client, desk, background):
    desk.set_up()
    answer = desk.consent(client, cancel=True)
    assert answer.status_code == 400
    assert "You did not agree, so nothing was connected." in answer.content.decode()
    assert "Connect again" in answer.content.decode()
    assert not Account.objects.exists()


def test_F53_partial_consent_is_refused_in_words_and_not_stored(client, google, background):
    """Red without Tokens.lacks in complete_login: a half account is stored."""
    google.set_up()
    answer = google.consent(client, without=[google.scope])
    assert answer.status_code == 400
    assert "You have not allowed the calendar" in answer.content.decode()
    assert not Account.objects.exists()
    # Ticking it the next time is enough.
    google.consent(client)
    assert Account.objects.get().state == Account.State.CONNECTED


def test_F53_a_good_account_survives_a_second_consent_that_leaves_the_calendar_out(client, google, background):
    google.set_up()
    account = google.connected(client)
    google.oauth.withdraw(WHO)
    google.consent(client, without=[google.scope], account=str(account.pk))
    before = account.secrets
    account.refresh_from_db()
    assert account.secrets == before
    assert account.token_version == 1


def test_the_way_back_is_good_once_and_for_ten_minutes(client, desk, background):
    desk.set_up()
    back = decide(desk.begin(client), WHO)
    assert desk.come_back(client, back).status_code == 200
    again = desk.come_back(client, back)
    assert again.status_code == 400
    assert "has been used already or has expired" in again.content.decode()
    assert Account.objects.get().state == Account.State.CONNECTED
    late = decide(desk.begin(client), WHO)
    session = client.session
    session["socialaccount_states"] = {key: [one[0], one[1] - 601, one[2]] for key, one in session["socialaccount_states"].items()}
    session.save()
    assert "has been used already or has expired" in desk.come_back(client, late).content.decode()
    assert desk.oauth.calls["token authorization_code"] == 1


def test_a_way_back_that_somebody_else_began_connects_nothing(client, desk, background):
    """The attacker's address opened by the victim, who is signed in or not."""
    desk.set_up()
    attackers = decide(desk.begin(client), WHO)
    victim = make_employee("victim", "Vic", "Tim")
    assert victim.user
    other = type(client)()
    answer = desk.come_back(other, attackers)
    assert "account/login" in answer.redirect_chain[-1][0]
    assert "code=" not in answer.redirect_chain[-1][0]
    other.force_login(victim.user)
    assert desk.come_back(other, attackers).status_code == 400
    # Nor when the same browser's session has changed hands, whatever else it holds.
    session = client.session
    session["_auth_user_id"] = str(victim.user_id)
    session["_auth_user_hash"] = victim.user.get_session_auth_hash()
    session.save()
    assert "Somebody else began this" in desk.come_back(client, attackers).content.decode()
    assert not Account.objects.exists()


def test_the_code_of_one_service_is_nothing_to_the_other(client, google, outlook, background):
    google.set_up()
    outlook.set_up()
    back = decide(google.begin(client), WHO)
    assert outlook.come_back(client, back.replace("/account/google/", "/account/microsoft/")).status_code == 400
    assert not outlook.oauth.calls["token authorization_code"]
    assert not Account.objects.exists()


def test_nobody_signs_in_or_up_by_another_service(client, desk, background, django_user_model):
    from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
    from django.urls import NoReverseMatch

    desk.set_up()
    before = django_user_model.objects.count()
    desk.consent(client)
    assert django_user_model.objects.count() == before
    assert not any(model.objects.exists() for model in (SocialAccount, SocialApp, SocialToken))
    for name in ("google_login", "microsoft_login", "socialaccount_signup", "socialaccount_connections", "google_login_by_token"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_two_people_may_share_one_remote_account(client, desk, background):
    desk.set_up()
    desk.connected(client)
    other = type(client)()
    other.force_login(make_employee("other", "Otto", "Haus").user)
    assert desk.consent(other).status_code == 200
    assert Account.objects.filter(identity=WHO, state="connected").count() == 2
    # One goes; the other's access is not revoked with it.
    client.post(reverse("integrations:disconnect", args=[Account.objects.earliest("pk").pk]))
    (left,) = Account.objects.all()
    other.post(reverse("integrations:check_again", args=[left.pk]))
    left.refresh_from_db()
    assert left.state == Account.State.CONNECTED
    assert desk.oauth.calls["revoke"] == 0


def test_the_service_may_fail_on_the_way_back(client, desk, background):
    desk.set_up()
    back = decide(desk.begin(client), WHO)
    desk.server.faults.then(desk.fault, "token")
    answer = desk.come_back(client, back)
    assert answer.status_code == 400
    assert "does not answer at the moment" in answer.content.decode()
    assert not Account.objects.exists()


def test_a_wrong_set_up_is_told_to_the_person_and_to_the_admin(client, desk, background):
    client_row = desk.set_up(secrets={"client_secret": "wrong"})
    answer = desk.consent(client)
    assert "not set up properly" in answer.content.decode()
    client_row.refresh_from_db()
    assert client_row.problem == "The client secret is not right."


def test_a_service_that_is_switched_off_or_not_set_up_is_not_offered(client, desk):
    url = reverse("integrations:connect_with", args=[desk.provider])
    assert client.get(url).status_code == client.post(url).status_code == 404
    row = desk.set_up(enabled=False)
    assert client.get(url).status_code == 404
    assert "Google" not in client.get(CALENDARS).content.decode()
    back = reverse("oauth_callback", args=[{"google": "google", "outlook": "microsoft"}[desk.provider]])
    assert client.get(f"{back}?code=x&state=y").status_code == 400
    row.enabled = True
    row.save()
    assert client.get(url).status_code == 200


def test_only_oneself_can_agree_a_manager_sends_the_link(client, desk, employee, manager):
    desk.set_up()
    client.force_login(manager)
    url = f"{reverse('integrations:connect_with', args=[desk.provider])}?employee={employee.pk}"
    for method in (client.get, client.post):
        page = method(url)
        assert page.status_code == 200
        assert "Send link to connect" in page.content.decode()
    assert "socialaccount_states" not in client.session
