using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class CatalogueTests(DirectoryFixture service)
{
    [Fact]
    public Task EveryTable_WithATenantColumn_IsLocked() => Catalogue.AssertLockedAsync(service.DatabaseName);
}
