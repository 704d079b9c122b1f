using Rollcall.Testing;

namespace Rollcall.Assignment.Tests;

public sealed class CatalogueTests(AssignmentFixture service)
{
    [Fact]
    public Task EveryTable_WithATenantColumn_IsLocked() => Catalogue.AssertLockedAsync(service.DatabaseName);
}
