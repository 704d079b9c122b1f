using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Identity.V1;
using Rollcall.Api.Options.V1;
using Rollcall.Platform;

namespace Rollcall.Edge.Tests;

public sealed class IdentityApiTests(EdgeFixture fixture)
{
    private readonly Guid msp = Guid.CreateVersion7();

    [Fact]
    public async Task CreateOperator_FirstAdminByThePlatform_CanSignInAndCreateOthers()
    {
        var client = fixture.Backend.Clients.Add(msp);
        var platform = await PlatformAsync();

        var admin = await platform.CreateOperatorAsync(
            new()
            {
                MspId = msp.ToString(),
                DisplayName = "First",
                Role = Role.MspAdmin,
            }
        );
        var technician = await Client(await fixture.TokenOfAsync(admin.ClientId, admin.ClientSecret))
            .CreateOperatorAsync(Technician(client.ClientId));
        var token = await fixture.TokenOfAsync(technician.ClientId, technician.ClientSecret);
        var seen = await fixture
            .Edge.Client<ClientService.ClientServiceClient>(token)
            .GetClientAsync(new() { ClientId = client.ClientId.ToString() });

        Assert.Equal(client.DisplayName, seen.Client.DisplayName);
        Assert.Equal(Role.MspTechnician, technician.Operator.Role);
        Assert.Equal([client.ClientId.ToString()], technician.Operator.ClientIds);
        Assert.StartsWith(Accounts.SecretPrefix, technician.ClientSecret);
    }

    [Fact]
    public async Task CreateOperator_PlatformAdmin_CreatesNoSecondAdminAndNoOtherRole()
    {
        await fixture.AddAccountAsync("msp-admin", msp);
        var platform = await PlatformAsync();

        Assert.Equal(
            (StatusCode.FailedPrecondition, "MSP_HAS_ADMIN"),
            await RefusalAsync(
                platform,
                new()
                {
                    MspId = msp.ToString(),
                    DisplayName = "X",
                    Role = Role.MspAdmin,
                }
            )
        );
        Assert.Equal(
            (StatusCode.PermissionDenied, "ROLE_NOT_GRANTABLE"),
            await RefusalAsync(
                platform,
                new()
                {
                    MspId = msp.ToString(),
                    DisplayName = "X",
                    Role = Role.ClientViewer,
                    AllClients = true,
                }
            )
        );
    }

    [Fact]
    public async Task CreateOperator_ForAnotherMsp_IsRefused()
    {
        var admin = await AdminAsync();

        Assert.Equal(
            (StatusCode.PermissionDenied, "MSP_NOT_ALLOWED"),
            await RefusalAsync(
                admin,
                new()
                {
                    MspId = Guid.CreateVersion7().ToString(),
                    DisplayName = "X",
                    Role = Role.MspAdmin,
                }
            )
        );
    }

    [Fact]
    public async Task CreateOperator_PlatformAdminByAnMsp_IsRefused()
    {
        var admin = await AdminAsync();

        Assert.Equal(
            (StatusCode.PermissionDenied, "ROLE_NOT_GRANTABLE"),
            await RefusalAsync(admin, new() { DisplayName = "X", Role = Role.PlatformAdmin })
        );
    }

    [Fact]
    public async Task CreateOperator_ClientOfAnotherMsp_IsNotFound()
    {
        var admin = await AdminAsync();
        var foreign = fixture.Backend.Clients.Add();

        Assert.Equal(
            (StatusCode.NotFound, "CLIENT_NOT_FOUND"),
            await RefusalAsync(admin, Technician(foreign.ClientId))
        );
    }

    [Fact]
    public async Task CreateOperator_ByATechnician_IsRefusedAtTheDoor()
    {
        var technician = Client(await fixture.TokenAsync("msp-technician", msp));

        Assert.Equal(
            (StatusCode.PermissionDenied, "ROLE_NOT_ALLOWED"),
            await RefusalAsync(technician, new() { DisplayName = "X", Role = Role.MspAdmin })
        );
    }

    [Theory]
    [InlineData("no clients at all", Role.ClientViewer, false, 0)]
    [InlineData("all and a list", Role.ClientViewer, true, 1)]
    [InlineData("an admin with a list", Role.MspAdmin, false, 1)]
    [InlineData("no role", Role.Unspecified, true, 0)]
    public async Task CreateOperator_ContradictoryGrant_IsInvalid(string why, Role role, bool all, int listed)
    {
        var admin = await AdminAsync();
        var request = new CreateOperatorRequest
        {
            DisplayName = why,
            Role = role,
            AllClients = all,
        };
        for (var i = 0; i < listed; i++)
        {
            request.ClientIds.Add(fixture.Backend.Clients.Add(msp).ClientId.ToString());
        }

        Assert.Equal((StatusCode.InvalidArgument, "FIELD_INVALID"), await RefusalAsync(admin, request));
    }

    [Fact]
    public async Task CreateOperator_SameRequestId_ReturnsTheFirstWithoutItsSecret()
    {
        var admin = await AdminAsync();
        var request = Technician(fixture.Backend.Clients.Add(msp).ClientId);
        request.RequestId = Guid.CreateVersion7().ToString();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => admin.CreateOperatorAsync(request).ResponseAsync)
        );

        Assert.Single(answers.Select(a => a.Operator.Id).Distinct());
        Assert.Single(answers, a => a.ClientSecret.Length > 0);
    }

    [Fact]
    public async Task CreatePartner_WithScopes_GetsThemAndOnlyThem()
    {
        var client = fixture.Backend.Clients.Add(msp);
        var admin = await AdminAsync();

        var partner = await admin.CreatePartnerAsync(
            new()
            {
                DisplayName = "PSA",
                Scopes = { "clients.read" },
                ClientIds = { client.ClientId.ToString() },
            }
        );
        var door = fixture.Edge.Client<ClientService.ClientServiceClient>(
            await fixture.TokenOfAsync(partner.ClientId, partner.ClientSecret)
        );

        Assert.Equal(Role.Unspecified, partner.Operator.Role);
        Assert.Equal(["clients.read"], partner.Operator.Scopes);
        await door.GetClientAsync(new() { ClientId = client.ClientId.ToString() });
        Assert.Equal(
            (StatusCode.PermissionDenied, "ROLE_NOT_ALLOWED"),
            await RpcErrors.RefusalAsync(() => door.CreateClientAsync(new()).ResponseAsync)
        );
    }

    [Fact]
    public async Task CreatePartner_UnknownOrNoScope_IsInvalid()
    {
        var admin = await AdminAsync();
        foreach (var scopes in new string[][] { [], ["no.such.scope"] })
        {
            var request = new CreatePartnerRequest { DisplayName = "PSA", AllClients = true };
            request.Scopes.Add(scopes);

            Assert.Equal(
                (StatusCode.InvalidArgument, "FIELD_INVALID"),
                await RpcErrors.RefusalAsync(() => admin.CreatePartnerAsync(request).ResponseAsync)
            );
        }
    }

    [Fact]
    public async Task ListOperators_SeveralPages_ShowsTheOwnMspOnly()
    {
        var admin = await AdminAsync();
        await fixture.AddAccountAsync("msp-admin", Guid.CreateVersion7());
        for (var i = 0; i < 3; i++)
        {
            await fixture.AddAccountAsync("client-viewer", msp, []);
        }

        var found = new List<Operator>();
        var request = new ListOperatorsRequest { PageSize = 2 };
        do
        {
            var page = await admin.ListOperatorsAsync(request);
            found.AddRange(page.Operators);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        Assert.Equal(4, found.Count);
        Assert.All(found, o => Assert.Equal(msp.ToString(), o.MspId));
        Assert.Equal(found.OrderBy(o => o.Id, StringComparer.Ordinal), found);
    }

    /// <summary>R4: not only the predicate, the database itself hides other MSPs' accounts.</summary>
    [Fact]
    public async Task Accounts_QueryWithoutPredicate_SeesTheTenantsOnly()
    {
        await fixture.AddAccountAsync("msp-admin", msp);
        await fixture.AddAccountAsync("msp-admin", Guid.CreateVersion7());

        var owners = await fixture.Edge.DbAsync(
            Tenant.WholeMsp(msp),
            db => db.Accounts.Select(a => a.MspId).Distinct().ToListAsync()
        );

        Assert.Equal([msp], owners);
    }

    [Fact]
    public async Task DisableOperator_HoldingAToken_IsShutOutAtOnce()
    {
        var admin = await AdminAsync();
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", msp);
        var door = Client(await fixture.TokenOfAsync(clientId, secret));
        await door.ListOperatorsAsync(new());

        await admin.DisableOperatorAsync(new() { OperatorId = await IdOfAsync(admin, clientId) });

        Assert.Equal(
            (StatusCode.Unauthenticated, "CALLER_DISABLED"),
            await RpcErrors.RefusalAsync(() => door.ListOperatorsAsync(new()).ResponseAsync)
        );
        using var answer = await fixture.AskForTokenAsync(clientId, secret);
        Assert.False(answer.IsSuccessStatusCode);
    }

    [Fact]
    public async Task DisableOperator_OneselfOrAForeignOne_IsRefused()
    {
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", msp);
        var admin = Client(await fixture.TokenOfAsync(clientId, secret));
        var other = Guid.CreateVersion7();
        var (foreignClientId, _) = await fixture.AddAccountAsync("msp-admin", other);
        var foreign = await fixture.Edge.DbAsync(
            Tenant.WholeMsp(other),
            db => db.Accounts.SingleAsync(a => a.ClientId == foreignClientId)
        );

        Assert.Equal(
            (StatusCode.FailedPrecondition, "OPERATOR_IS_CALLER"),
            await RpcErrors.RefusalAsync(async () =>
                await admin.DisableOperatorAsync(new() { OperatorId = await IdOfAsync(admin, clientId) })
            )
        );
        Assert.Equal(
            (StatusCode.NotFound, "OPERATOR_NOT_FOUND"),
            await RpcErrors.RefusalAsync(() =>
                admin.DisableOperatorAsync(new() { OperatorId = foreign.Id.ToString() }).ResponseAsync
            )
        );
    }

    [Fact]
    public async Task RotateSecret_WithoutGrace_EndsTheOldSecret()
    {
        var admin = await AdminAsync();
        var (clientId, old) = await fixture.AddAccountAsync("client-viewer", msp, []);

        var answer = await admin.RotateSecretAsync(new() { OperatorId = await IdOfAsync(admin, clientId) });

        Assert.False(await SignsInAsync(clientId, old));
        Assert.True(await SignsInAsync(clientId, answer.ClientSecret));
    }

    [Fact]
    public async Task RotateSecret_WithGrace_KeepsTheOldSecretThatLong()
    {
        var admin = await AdminAsync();
        var (clientId, old) = await fixture.AddAccountAsync("client-viewer", msp, []);

        var answer = await admin.RotateSecretAsync(
            new() { OperatorId = await IdOfAsync(admin, clientId), KeepOldHours = 24 }
        );

        Assert.True(await SignsInAsync(clientId, old));
        fixture.Clock.Advance(TimeSpan.FromHours(25));
        Assert.False(await SignsInAsync(clientId, old));
        Assert.True(await SignsInAsync(clientId, answer.ClientSecret));
    }

    private static CreateOperatorRequest Technician(Guid clientId) =>
        new()
        {
            DisplayName = "Technician",
            Role = Role.MspTechnician,
            ClientIds = { clientId.ToString() },
        };

    private static Task<(StatusCode, string)> RefusalAsync(
        IdentityService.IdentityServiceClient caller,
        CreateOperatorRequest request
    ) => RpcErrors.RefusalAsync(() => caller.CreateOperatorAsync(request).ResponseAsync);

    private static async Task<string> IdOfAsync(IdentityService.IdentityServiceClient admin, string clientId) =>
        (await admin.ListOperatorsAsync(new())).Operators.Single(o => o.OauthClientId == clientId).Id;

    private IdentityService.IdentityServiceClient Client(string token) =>
        fixture.Edge.Client<IdentityService.IdentityServiceClient>(token);

    private async Task<IdentityService.IdentityServiceClient> AdminAsync() =>
        Client(await fixture.TokenAsync("msp-admin", msp));

    private async Task<IdentityService.IdentityServiceClient> PlatformAsync() =>
        Client(await fixture.TokenOfAsync("platform", "platform-secret"));

    private async Task<bool> SignsInAsync(string clientId, string secret)
    {
        using var answer = await fixture.AskForTokenAsync(clientId, secret);
        return answer.IsSuccessStatusCode;
    }
}
