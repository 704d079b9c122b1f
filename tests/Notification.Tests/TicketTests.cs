using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Partner.V1;
using Rollcall.Notification.Data;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Notification.Tests;

public sealed class TicketTests(NotificationFixture fixture)
{
    private readonly Company company = new(fixture);

    private Guid Msp => company.Client.MspId;

    private TicketService.TicketServiceClient Partner => ClientOf(TestTokens.Partner(Msp, "tickets"));

    [Fact]
    public async Task WatchTickets_TroubleFromStartToEnd_IsOneTicket()
    {
        await company.AnnounceAsync("Fabrikam");
        await company.SettledAsync();
        await company.HealthAsync(HealthState.Failing, h => h.Owner = FixOwner.Msp);
        await company.SettledAsync();
        await company.HealthAsync(HealthState.Quarantined, h => h.Owner = FixOwner.Msp);
        await company.SettledAsync();
        await company.HealthAsync(HealthState.Healthy);

        var events = await ReadAsync(Partner, after: 0, count: 3);

        Assert.Equal([1, 2, 3], events.Select(e => e.Sequence));
        Assert.Equal([TicketState.Open, TicketState.Updated, TicketState.Resolved], events.Select(e => e.Ticket.State));
        Assert.Single(events.Select(e => e.Ticket.DedupeKey).Distinct());
        var ticket = events[0].Ticket;
        Assert.Equal(("Fabrikam", "SYNC_FAILING"), (ticket.ClientDisplayName, ticket.Condition));
        Assert.Contains("What to do: Grant consent again", ticket.Body, StringComparison.Ordinal);
        Assert.Contains("Who must act: the MSP", ticket.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WatchTickets_AfterABreak_GoesOnWithoutLoss()
    {
        await company.HealthAsync(HealthState.ConsentRemoved);
        var first = Assert.Single(await ReadAsync(Partner, after: 0, count: 1));

        // Nobody is listening.
        await company.HealthAsync(HealthState.Healthy);
        await company.SettledAsync();
        await company.HealthAsync(HealthState.LicenceLapsed);
        await company.SettledAsync();

        var rest = await ReadAsync(Partner, first.Sequence, count: 2);
        Assert.Equal([TicketState.Resolved, TicketState.Open], rest.Select(e => e.Ticket.State));
        Assert.Equal([2, 3], rest.Select(e => e.Sequence));
    }

    [Fact]
    public async Task AcknowledgeTicket_OutOfOrder_CursorStopsBeforeTheFirstUnhandled()
    {
        await company.HealthAsync(HealthState.ConsentRemoved);
        await company.SettledAsync();
        var second = new Company(fixture, Msp);
        await second.HealthAsync(HealthState.ConsentRemoved);
        await second.SettledAsync();
        var events = await ReadAsync(Partner, after: null, count: 2);

        Assert.Equal(0, (await AcknowledgeAsync(events[1])).Cursor);
        Assert.Equal(1, (await ReadAsync(Partner, after: null, count: 1))[0].Sequence);

        Assert.Equal(2, (await AcknowledgeAsync(events[0])).Cursor);
        Assert.Equal(2, (await AcknowledgeAsync(events[0])).Cursor);
        await company.HealthAsync(HealthState.Healthy);
        var next = Assert.Single(await ReadAsync(Partner, after: null, count: 1));
        Assert.Equal((3, "PSA-1"), (next.Sequence, next.Ticket.ExternalTicketId));
    }

    [Fact]
    public async Task AcknowledgeTicket_ShowsTheTicketOnTheAlert_AndNotesAreKeptOnce()
    {
        await company.HealthAsync(HealthState.ConsentRemoved);
        var opened = Assert.Single(await ReadAsync(Partner, after: 0, count: 1));
        await AcknowledgeAsync(opened);
        var note = new AddNoteRequest
        {
            ClientId = $"{company.Id}",
            TicketId = opened.Ticket.Id,
            Text = "Called the client",
            Author = "Kim",
            RequestId = $"{Guid.CreateVersion7()}",
        };
        await Partner.AddNoteAsync(note);
        await Partner.AddNoteAsync(note);

        var answer = await company.Alerts.GetAlertAsync(new() { AlertId = opened.Ticket.Id });

        Assert.Equal("PSA-1", answer.Alert.ExternalTicketId);
        Assert.Equal("https://psa.example/1", answer.Alert.ExternalTicketUrl);
        Assert.Equal(("Kim", "Called the client"), (Assert.Single(answer.Notes).Author, answer.Notes[0].Text));
    }

    [Fact]
    public async Task ResolveTicket_ConditionStillSeenADayLater_IsAskedForAnew()
    {
        await company.HealthAsync(HealthState.Failing);
        var opened = Assert.Single(await ReadAsync(Partner, after: 0, count: 1));
        await Partner.ResolveTicketAsync(new() { ClientId = $"{company.Id}", TicketId = opened.Ticket.Id });
        await company.HealthAsync(HealthState.Failing, h => h.ConsecutiveFailures = 2);
        await company.SettledAsync();

        fixture.Clock.Advance(TimeSpan.FromHours(25));
        await company.HealthAsync(HealthState.Failing, h => h.ConsecutiveFailures = 3);

        var again = await ReadAsync(Partner, after: 0, count: 2);
        Assert.Equal(TicketState.Open, again[1].Ticket.State);
        Assert.Equal(3, again[1].Ticket.Occurrences);
    }

    [Fact]
    public async Task WatchTickets_Silence_SendsHeartbeats()
    {
        using var call = Partner.WatchTickets(new() { After = 7 });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));

        Assert.True(await call.ResponseStream.MoveNext(limit.Token));

        Assert.Equal(7, call.ResponseStream.Current.Heartbeat.Sequence);
    }

    [Fact]
    public async Task WatchTickets_TokenHasEnded_EndsTheStream()
    {
        await using var scope = fixture.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant.WholeMsp(Msp));
        var watch = scope.ServiceProvider.GetRequiredService<Tickets.TicketWatch>();
        var tokenEnd = TimeProvider.System.GetUtcNow().AddMilliseconds(200);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));

        var error = await Assert.ThrowsAsync<AppException>(() =>
            watch.RunAsync(after: 0, "partner", tokenEnd, new Sink(), limit.Token)
        );

        Assert.Equal("TOKEN_EXPIRED", error.Reason);
    }

    [Fact]
    public async Task WatchTickets_ClientOutsideTheTokensList_IsNotSeen()
    {
        var other = new Company(fixture, Msp);
        await other.HealthAsync(HealthState.ConsentRemoved);
        await other.SettledAsync();
        await company.HealthAsync(HealthState.ConsentRemoved);
        var narrow = ClientOf(TestTokens.Partner(Msp, "tickets", company.Id));

        var seen = Assert.Single(await ReadAsync(narrow, after: 0, count: 1));

        Assert.Equal(($"{company.Id}", 2), (seen.Ticket.ClientId, seen.Sequence));
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await narrow.ResolveTicketAsync(new() { ClientId = $"{other.Id}", TicketId = seen.Ticket.Id })
        );
        Assert.Equal("CLIENT_NOT_FOUND", error.Reason());
    }

    [Fact]
    public async Task Tickets_OwnedByThePlatform_AreNotMade()
    {
        await company.HealthAsync(HealthState.Failing, h => h.Owner = FixOwner.Platform);
        await company.SettledAsync();
        Assert.Single(await company.AlertsAsync());

        await company.HealthAsync(HealthState.Failing, h => h.Owner = FixOwner.Msp);

        var opened = Assert.Single(await ReadAsync(Partner, after: 0, count: 1));
        Assert.Equal(TicketState.Open, opened.Ticket.State);
    }

    [Fact]
    public async Task Sequences_ManyTransactionsAtOnce_NeverSkipOneForAReader()
    {
        // Writers commit in random order; a reader that has seen n must have seen everything below n.
        var clients = Enumerable.Range(0, 12).Select(_ => new Company(fixture, Msp)).ToList();
        using var call = Partner.WatchTickets(new() { After = 0 });

        var sequences = new List<long>();
        using var end = new CancellationTokenSource();
        var reading = CollectAsync(call, e => sequences.Add(e.Sequence), end.Token);
        await Task.WhenAll(
            clients.Select(async c =>
            {
                await c.HealthAsync(HealthState.ConsentRemoved);
                await c.HealthAsync(HealthState.Healthy, revision: 9);
                await c.SettledAsync();
            })
        );
        var written = await fixture.DbAsync(Tenant.WholeMsp(Msp), db => db.TicketLog.CountAsync());
        await Eventually.HoldsAsync(() => Assert.Equal(written, sequences.Count));
        await end.CancelAsync();
        await reading;

        Assert.Equal(Enumerable.Range(1, sequences.Count).Select(i => (long)i), sequences);
    }

    [Fact]
    public async Task Sequences_UncommittedWriter_HoldsTheNextOneBack()
    {
        await using var scope = fixture.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(company.Tenant);
        var db = scope.ServiceProvider.GetRequiredService<NotificationDbContext>();
        var tickets = scope.ServiceProvider.GetRequiredService<Tickets.TicketLog>();
        var transaction = await db.BeginAsync(CancellationToken.None);
        await tickets.AppendAsync(SomeAlert(), TicketState.Open, CancellationToken.None);
        await db.SaveChangesAsync();

        var other = new Company(fixture, Msp);
        await other.HealthAsync(HealthState.ConsentRemoved);
        Assert.Empty(await ReadAsync(Partner, after: 0, count: 1, TimeSpan.FromSeconds(1)));
        await transaction.CommitAsync();

        Assert.Equal([1, 2], (await ReadAsync(Partner, after: 0, count: 2)).Select(e => e.Sequence));
    }

    private TicketService.TicketServiceClient ClientOf(string token) =>
        fixture.Client<TicketService.TicketServiceClient>(token);

    private async Task<AcknowledgeTicketResponse> AcknowledgeAsync(TicketEvent handled) =>
        await Partner.AcknowledgeTicketAsync(
            new()
            {
                ClientId = handled.Ticket.ClientId,
                TicketId = handled.Ticket.Id,
                Sequence = handled.Sequence,
                ExternalTicketId = "PSA-1",
                ExternalTicketUrl = "https://psa.example/1",
            }
        );

    /// <summary>Opens a stream, reads so many events, breaks it off.</summary>
    private static async Task<List<TicketEvent>> ReadAsync(
        TicketService.TicketServiceClient partner,
        long? after,
        int count,
        TimeSpan? limit = null
    )
    {
        var request = new WatchTicketsRequest();
        if (after is { } sequence)
        {
            request.After = sequence;
        }

        using var call = partner.WatchTickets(request);
        using var end = new CancellationTokenSource(limit ?? TimeSpan.FromSeconds(30));
        var events = new List<TicketEvent>();
        await CollectAsync(
            call,
            e =>
            {
                events.Add(e);
                if (events.Count == count)
                {
                    end.Cancel();
                }
            },
            end.Token
        );
        return events;
    }

    private static async Task CollectAsync(
        AsyncServerStreamingCall<WatchTicketsResponse> call,
        Action<TicketEvent> see,
        CancellationToken end
    )
    {
        try
        {
            while (await call.ResponseStream.MoveNext(end))
            {
                if (call.ResponseStream.Current.Event is { } entry)
                {
                    see(entry);
                }
            }
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled)
        {
            // We broke it off.
        }
    }

    private ClientAlert SomeAlert() =>
        new()
        {
            MspId = Msp,
            ClientId = company.Id,
            Id = Guid.CreateVersion7(),
            Condition = "SYNC_LATE",
            State = Rollcall.Api.Notification.V1.AlertState.Open,
            Severity = Rollcall.Api.Notification.V1.Severity.Medium,
            Owner = FixOwner.Msp,
            Summary = "Late",
            Problem = "",
            Remedy = "",
            ErrorCode = "",
            FirstSeenAt = fixture.Clock.GetUtcNow(),
            LastSeenAt = fixture.Clock.GetUtcNow(),
            Occurrences = 1,
        };

    private sealed class Sink : IServerStreamWriter<WatchTicketsResponse>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(WatchTicketsResponse message) => Task.CompletedTask;
    }
}
