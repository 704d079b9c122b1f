using Grpc.Core;
using Rollcall.Api.Directory.V1;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class KindTests(DirectoryFixture service)
{
    [Fact]
    public async Task Set_Overrule_HoldsThroughChangesFullRoundsDeletionAndRestore()
    {
        var (client, account) = await AccountAsync("svc-helpdesk");
        var before = await client.UserAsync(account);
        Assert.Equal((AccountKind.Service, AccountKind.Service), (before.Kind, before.SuggestedKind));

        await SetAsync(client, before.Id, AccountKind.Person, "the helpdesk lead's own account");
        await AssertPersonAsync();
        await client.GraphAsync(HttpMethod.Patch, $"users/{account}", new { department = "Sales" });
        await client.SyncedAsync();
        await AssertPersonAsync();
        await client.SyncedAsync(SyncMode.Full);
        await AssertPersonAsync();
        await client.GraphAsync(HttpMethod.Delete, $"users/{account}");
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Post, $"users/{account}/restore");
        await client.SyncedAsync();
        await client.SyncedAsync(SyncMode.Full);
        await AssertPersonAsync();

        async Task AssertPersonAsync()
        {
            var user = await client.UserAsync(account);
            Assert.Equal((before.Id, AccountKind.Person), (user.Id, user.Kind));
            Assert.Equal((AccountKind.Service, before.KindEvidence), (user.SuggestedKind, user.KindEvidence));
            Assert.Equal("the helpdesk lead's own account", user.KindDecision.Reason);
            Assert.NotEmpty(user.KindDecision.DecidedBy);
        }
    }

    [Fact]
    public async Task Set_Person_IsNotSkippedForWhatItIsNamedLater()
    {
        var (client, account) = await AccountAsync("helpdesk");
        var user = await client.UserAsync(account);
        await SetAsync(client, user.Id, AccountKind.Person, "the helpdesk lead's own account");

        await client.GraphAsync(HttpMethod.Patch, $"users/{account}", new { userPrincipalName = "svc-desk@x.example" });
        await client.SyncedAsync();

        Assert.Equal(AccountKind.Service, (await client.UserAsync(account)).SuggestedKind);
        var told = await client.Syncs.ListSyncEventsAsync(new() { ClientId = client.Id, UserId = user.Id });
        Assert.Equal((SyncStatus.Done, ""), (told.Events[0].Status, told.Events[0].ReasonCode));
    }

    [Fact]
    public async Task Set_ThenClear_MakesVersionsAndLeavesEvents()
    {
        var (client, account) = await AccountAsync("svc-backup");
        var user = await client.UserAsync(account);

        var version = await client.RosterVersionAsync();
        var set = await SetAsync(client, user.Id, AccountKind.Person, "a person");
        Assert.Equal(version + 1, await client.RosterVersionAsync());
        Assert.Equal(version + 1, set.Revision);

        // The same word again is no news.
        await SetAsync(client, user.Id, AccountKind.Person, "a person");
        Assert.Equal(version + 1, await client.RosterVersionAsync());

        var cleared = await client.Roster.ClearAccountKindAsync(new() { ClientId = client.Id, UserId = user.Id });
        Assert.Equal((AccountKind.Service, null), (cleared.User.Kind, cleared.User.KindDecision));
        await Eventually.HoldsAsync(() =>
            Assert.Equal(
                [AccountKind.Person, AccountKind.Service],
                client.Published.TakeLast(2).Select(v => Assert.Single(v.Users).Kind)
            )
        );
        var told = await client.Syncs.ListSyncEventsAsync(new() { ClientId = client.Id, UserId = user.Id });
        Assert.Equal(["KIND_CLEARED", "KIND_OVERRULED"], told.Events.Take(2).Select(e => e.ReasonCode));
        Assert.Contains(
            told.Events[1].Changes,
            c => c is { Property: "kind", OldValue: "Service", NewValue: "Person" }
        );
        Assert.Contains(told.Events[1].Changes, c => c is { Property: "kindReason", NewValue: "a person" });
    }

    [Fact]
    public async Task ListUsers_Unconfirmed_AreSuggestionsNobodyHasDecided()
    {
        var (client, account) = await AccountAsync("svc-backup");
        await client.AddPersonAsync("ada");
        var admin = await client.AddPersonAsync("adm-ada");
        await client.SyncedAsync();

        Assert.Equal(2, (await UnconfirmedAsync(AccountKind.Unspecified)).Count);
        Assert.Equal($"{admin}", Assert.Single(await UnconfirmedAsync(AccountKind.Admin)).ExternalId);
        await SetAsync(client, (await client.UserAsync(account)).Id, AccountKind.Service, "it is");

        Assert.Equal($"{admin}", Assert.Single(await UnconfirmedAsync(AccountKind.Unspecified)).ExternalId);

        async Task<IList<User>> UnconfirmedAsync(AccountKind kind) =>
            (
                await client.Roster.ListUsersAsync(
                    new()
                    {
                        ClientId = client.Id,
                        UnconfirmedKind = true,
                        Kind = kind,
                    }
                )
            ).Users;
    }

    [Theory]
    [InlineData("USER_NOT_FOUND", AccountKind.Person, "a person")]
    [InlineData("FIELD_INVALID", AccountKind.Unspecified, "a person")]
    [InlineData("FIELD_INVALID", AccountKind.Person, " ")]
    [InlineData("FIELD_INVALID", (AccountKind)99, "a person")]
    public async Task Set_WrongRequest_IsNamed(string reason, AccountKind kind, string why)
    {
        var client = await service.ClientAsync();

        var error = await Assert.ThrowsAsync<RpcException>(() =>
            SetAsync(client, $"{Guid.CreateVersion7()}", kind, why)
        );

        Assert.Equal(reason, TestClient.ReasonOf(error));
    }

    [Fact]
    public async Task Set_ByAnotherMsp_FindsNobody()
    {
        var (client, account) = await AccountAsync("svc-backup");
        var user = await client.UserAsync(account);
        var stranger = service.Client<RosterService.RosterServiceClient>(TestTokens.MspAdmin(Guid.CreateVersion7()));

        await Assert.ThrowsAsync<RpcException>(async () =>
            await stranger.SetAccountKindAsync(
                new()
                {
                    ClientId = client.Id,
                    UserId = user.Id,
                    Kind = AccountKind.Person,
                    Reason = "mine",
                }
            )
        );

        Assert.Null((await client.UserAsync(account)).KindDecision);
    }

    private static async Task<User> SetAsync(TestClient client, string user, AccountKind kind, string reason) =>
        (
            await client.Roster.SetAccountKindAsync(
                new()
                {
                    ClientId = client.Id,
                    UserId = user,
                    Kind = kind,
                    Reason = reason,
                }
            )
        ).User;

    private async Task<(TestClient Client, Guid Account)> AccountAsync(string name)
    {
        var client = await service.ConnectedAsync();
        var account = await client.AddPersonAsync(name);
        await client.SyncedAsync();
        return (client, account);
    }
}
