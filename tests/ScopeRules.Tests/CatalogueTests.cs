using Rollcall.Testing;

namespace Rollcall.ScopeRules.Tests;

public sealed class CatalogueTests(ScopeFixture service)
{
    [Fact]
    public Task EveryTable_WithATenantColumn_IsLocked() => Catalogue.AssertLockedAsync(service.DatabaseName);
}
