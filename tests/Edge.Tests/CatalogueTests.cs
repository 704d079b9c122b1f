using Rollcall.Testing;

namespace Rollcall.Edge.Tests;

public sealed class CatalogueTests(EdgeFixture service)
{
    [Fact]
    public Task EveryTable_WithATenantColumn_IsLocked() => Catalogue.AssertLockedAsync(service.DatabaseName);
}
