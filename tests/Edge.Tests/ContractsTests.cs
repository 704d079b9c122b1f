using Rollcall.Platform;

namespace Rollcall.Edge.Tests;

/// <summary>Generated from the protos: a new rpc cannot be forgotten here.</summary>
public sealed class ContractsTests
{
    public static TheoryData<string> AllMethods => [.. Contracts.Methods.Keys];

    public static TheoryData<string> PublicMethods => [.. PublicApi.Methods.Select(PublicApi.PathOf)];

    [Theory]
    [MemberData(nameof(AllMethods))]
    public void Rpc_Always_SaysWhoMayCall(string path)
    {
        var access = Contracts.AccessOf(Contracts.Methods[path]);

        Assert.NotNull(access);
        Assert.True(access.Roles.Count > 0 || access.Scopes.Count > 0 || access.Services);
    }

    [Theory]
    [MemberData(nameof(PublicMethods))]
    public void PublicRpc_Always_HasARouteToItsOwner(string path)
    {
        var owner = PublicApi.OwnerOf(Contracts.Methods[path].Service);

        Assert.NotNull(owner);
        Assert.Equal(owner != PublicApi.Edge, Routes.All().Exists(r => r.Match.Path == path));
    }

    [Fact]
    public void Routes_ServicesOnlyRpc_HasNone() =>
        Assert.DoesNotContain(
            Routes.All(),
            r => r.Match.Path == "/rollcall.directory.v1.ConnectionService/CompleteConsent"
        );
}
