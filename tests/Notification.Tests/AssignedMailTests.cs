using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Testing;

namespace Rollcall.Notification.Tests;

public sealed class AssignedMailTests(NotificationFixture fixture)
{
    private readonly Company company = new(fixture);

    [Fact]
    public async Task Joiner_EventsDeliveredFiveTimes_GetsOneMail()
    {
        var ada = Company.Person();
        await company.AnnounceAsync();
        await company.RosterAsync(ada);
        var opened = company.Changed(company.Assign(ada));

        var message = Guid.CreateVersion7();
        for (var i = 0; i < 5; i++)
        {
            // The same delivery again, and the same facts as another message.
            await company.PublishAsync(opened, message);
            await company.PublishAsync(opened);
        }

        var sent = await company.BecomesAsync(ada, DeliveryState.Sent);
        await company.QuietAsync();
        var mail = Assert.Single(fixture.Gate.MailTo(ada.Mail));
        Assert.Single(await company.DeliveriesAsync());
        Assert.Equal(sent.MessageId, mail.MessageId);
        Assert.Equal("New training: Phishing basics", mail.Subject);
        Assert.Equal("Northwind IT", Assert.Single(mail.From.Mailboxes).Name);
        Assert.Contains("Hello Ada,", mail.TextBody, StringComparison.Ordinal);
        Assert.Contains("Fabrikam asks you", mail.HtmlBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Joiner_SeveralCoursesOpenedAtOnce_GetsOneMailWithAll()
    {
        var ada = Company.Person();
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(company.Assign(ada, "Passwords"), company.Assign(ada, "Phishing"));
        await company.AssignmentsAsync(company.Assign(ada, "Data protection"));

        await company.BecomesAsync(ada, DeliveryState.Sent);
        await company.QuietAsync();

        var mail = Assert.Single(fixture.Gate.MailTo(ada.Mail));
        Assert.Equal("3 new trainings for you", mail.Subject);
        Assert.All(
            ["Passwords", "Phishing", "Data protection"],
            title => Assert.Contains(title, mail.TextBody, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Assignment_BeforeItsPersonIsKnown_MailGoesOutOnceSheIs()
    {
        var ada = Company.Person();
        await company.AssignmentsAsync(company.Assign(ada));
        await company.SettledAsync();
        Assert.Empty(await company.DeliveriesAsync());

        await company.RosterAsync(ada);

        await company.BecomesAsync(ada, DeliveryState.Sent);
    }

    [Fact]
    public async Task Joiner_PersonAndAssignmentAtTheSameMoment_IsNotForgotten()
    {
        var companies = Enumerable.Range(0, 10).Select(_ => (At: new Company(fixture), Ada: Company.Person())).ToList();

        await Task.WhenAll(
            companies.SelectMany(c => new[] { c.At.RosterAsync(c.Ada), c.At.AssignmentsAsync(c.At.Assign(c.Ada)) })
        );

        foreach (var (at, ada) in companies)
        {
            await at.BecomesAsync(ada, DeliveryState.Sent);
        }
    }

    [Fact]
    public async Task Person_WithoutAddress_GetsTheMailOnceSheHasOne()
    {
        var ada = Company.Person();
        var address = ada.Mail;
        ada.Mail = "";
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(company.Assign(ada));
        await Eventually.HoldsAsync(async () => Assert.Equal("ADDRESS_MISSING", (await ExplainAsync(ada)).Code));

        (ada.Mail, ada.Revision) = (address, 2);
        await company.RosterAsync(ada);

        await company.BecomesAsync(ada, DeliveryState.Sent);
        Assert.Equal("MAIL_SENT", (await ExplainAsync(ada)).Code);
    }

    [Theory]
    [InlineData(AssignmentState.Withdrawn, "The training was withdrawn")]
    [InlineData(AssignmentState.Paused, "The training is paused")]
    [InlineData(AssignmentState.Completed, "The training was completed")]
    public async Task Assignment_NoLongerOpenBeforeSending_NoMail(AssignmentState state, string reason)
    {
        var ada = Company.Person();
        var assignment = company.Assign(ada);
        await company.RosterAsync(ada);
        fixture.Gate.Close();
        try
        {
            await company.AssignmentsAsync(assignment);
            await company.BecomesAsync(ada, DeliveryState.Failed);
            (assignment.State, assignment.Revision) = (state, 2);
            await company.AssignmentsAsync(assignment);
            await company.SettledAsync();
        }
        finally
        {
            fixture.Gate.Open();
        }

        var delivery = await company.BecomesAsync(ada, DeliveryState.Cancelled);
        Assert.Equal(reason, delivery.Reason);
        Assert.Empty(fixture.Gate.MailTo(ada.Mail));
    }

    [Fact]
    public async Task Leaver_BeforeSending_NoMail_AndMailAgainAfterHerReturn()
    {
        var ada = Company.Person();
        await company.RosterAsync(ada);
        fixture.Gate.Close();
        try
        {
            await company.AssignmentsAsync(company.Assign(ada));
            await company.BecomesAsync(ada, DeliveryState.Failed);
            (ada.State, ada.Revision) = (UserState.Removed, 2);
            await company.RosterAsync(ada);
            await company.SettledAsync();
        }
        finally
        {
            fixture.Gate.Open();
        }

        var delivery = await company.BecomesAsync(ada, DeliveryState.Cancelled);
        Assert.Equal("The person has left", delivery.Reason);
        Assert.Empty(fixture.Gate.MailTo(ada.Mail));

        (ada.State, ada.Revision) = (UserState.Active, 3);
        await company.RosterAsync(ada);
        await company.BecomesAsync(ada, DeliveryState.Sent);
    }

    [Fact]
    public async Task Assignment_OlderRevisionArrivesLate_IsIgnored()
    {
        var ada = Company.Person();
        var open = company.Assign(ada);
        var withdrawn = open.Clone();
        (withdrawn.State, withdrawn.Revision) = (AssignmentState.Withdrawn, 2);
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(withdrawn);
        await company.SettledAsync();

        await company.AssignmentsAsync(open);

        await company.SettledAsync();
        Assert.Empty(await company.DeliveriesAsync());
    }

    [Fact]
    public async Task MailServer_Down_NothingIsLostAndNothingDoubled()
    {
        var people = Enumerable.Range(0, 30).Select(_ => Company.Person()).ToArray();
        await company.RosterAsync(people);
        fixture.Gate.Close();
        try
        {
            await company.AssignmentsAsync([.. people.Select(p => company.Assign(p))]);
            await Eventually.HoldsAsync(async () =>
                Assert.Contains(await company.DeliveriesAsync(), d => d.State == DeliveryState.Failed)
            );
            await Task.Delay(TimeSpan.FromSeconds(2));
        }
        finally
        {
            fixture.Gate.Open();
        }

        await Eventually.HoldsAsync(async () =>
            Assert.All(await company.DeliveriesAsync(), d => Assert.Equal(DeliveryState.Sent, d.State))
        );
        Assert.All(people, p => Assert.Single(fixture.Gate.MailTo(p.Mail)));
    }

    [Fact]
    public async Task Sender_DiedBetweenServerAndRecord_SendsAgainUnderTheSameMessageId()
    {
        var ada = Company.Person();
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(company.Assign(ada));
        var first = await company.BecomesAsync(ada, DeliveryState.Sent);

        // What a crash after the server's yes leaves behind: SENDING, and a lease that runs out.
        await fixture.DbAsync(
            company.Tenant,
            db =>
                db.Database.ExecuteSqlAsync(
                    $"""
                    update delivery set state = 'Sending', sent_at = null where client_id = {company.Id};
                    insert into send_queue (msp_id, client_id, delivery_id, next_at, claim)
                    values ({company.Client.MspId}, {company.Id}, {Guid.Parse(first.Id)}, now(), 1)
                    """
                )
        );

        await company.BecomesAsync(ada, DeliveryState.Sent);
        var mails = fixture.Gate.MailTo(ada.Mail);
        Assert.Equal(2, mails.Count);
        Assert.Single(mails.Select(m => m.MessageId).Distinct());
    }

    [Fact]
    public async Task Mail_ThatCannotBeMade_IsShownAndDoesNotStopTheOthers()
    {
        var (ada, ben) = (Company.Person(), Company.Person());
        await company.RosterAsync(ada, ben);
        await company.SettledAsync();
        await fixture.DbAsync(
            company.Tenant,
            db =>
                db.Database.ExecuteSqlAsync(
                    $"update roster_user set body = 'no user' where client_id = {company.Id} and user_id = {Guid.Parse(ada.Id)}"
                )
        );
        await fixture.DbAsync(
            company.Tenant,
            async db =>
            {
                foreach (var person in new[] { ada, ben })
                {
                    var (mail, assignment) = (Guid.CreateVersion7(), Guid.CreateVersion7());
                    await db.Database.ExecuteSqlAsync(
                        $"""
                        insert into training_task (msp_id, client_id, assignment_id, revision, user_id, course_title, state, opened_at)
                        values ({company.Client.MspId}, {company.Id}, {assignment}, 1, {Guid.Parse(
                            person.Id
                        )}, 'x', 'Open', now());
                        insert into delivery (msp_id, client_id, id, user_id, kind, state, gathering, reason, address, subject, planned_at, attempts)
                        values ({company.Client.MspId}, {company.Id}, {mail}, {Guid.Parse(
                            person.Id
                        )}, 'Assigned', 'Pending', true, '', '', '', now(), 0);
                        insert into delivery_item (msp_id, client_id, delivery_id, assignment_id, kind, step, dropped)
                        values ({company.Client.MspId}, {company.Id}, {mail}, {assignment}, 'Assigned', 0, false);
                        insert into send_queue (msp_id, client_id, delivery_id, next_at)
                        values ({company.Client.MspId}, {company.Id}, {mail}, now())
                        """
                    );
                }

                return true;
            }
        );

        var broken = await company.BecomesAsync(ada, DeliveryState.Failed);
        Assert.Contains("could not be made", broken.Reason, StringComparison.Ordinal);
        await company.BecomesAsync(ben, DeliveryState.Sent);
    }

    [Fact]
    public async Task Recipient_RefusedForGood_IsRejectedAndTriedAtTheNewAddress()
    {
        var ada = Company.Person("refused");
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(company.Assign(ada));
        await company.BecomesAsync(ada, DeliveryState.Rejected);
        Assert.Equal("MAIL_REJECTED", (await ExplainAsync(ada)).Code);

        (ada.Mail, ada.Revision) = (Company.Person().Mail, 2);
        await company.RosterAsync(ada);

        await company.BecomesAsync(ada, DeliveryState.Sent);
        Assert.Single(fixture.Gate.MailTo(ada.Mail));
    }

    [Fact]
    public async Task ListDeliveries_FiltersAndPages_EachMailOnce()
    {
        var people = Enumerable.Range(0, 5).Select(_ => Company.Person()).ToArray();
        await company.RosterAsync(people);
        await company.AssignmentsAsync([.. people.Select(p => company.Assign(p))]);
        await Eventually.HoldsAsync(async () =>
            Assert.Equal(5, (await company.DeliveriesAsync()).Count(d => d.State == DeliveryState.Sent))
        );

        var request = new ListDeliveriesRequest
        {
            ClientId = $"{company.Id}",
            State = DeliveryState.Sent,
            Kind = DeliveryKind.Assigned,
            PageSize = 2,
        };
        var ids = new List<string>();
        do
        {
            var page = await company.Deliveries.ListDeliveriesAsync(request);
            ids.AddRange(page.Deliveries.Select(d => d.Id));
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        Assert.Equal(5, ids.Count);
        Assert.Equal(ids.OrderDescending(StringComparer.Ordinal), ids);
        request = new() { ClientId = $"{company.Id}", State = DeliveryState.Held };
        Assert.Empty((await company.Deliveries.ListDeliveriesAsync(request)).Deliveries);
    }

    private async Task<ExplainUserResponse> ExplainAsync(User person) =>
        await company.Deliveries.ExplainUserAsync(new() { ClientId = $"{company.Id}", UserId = person.Id });
}
