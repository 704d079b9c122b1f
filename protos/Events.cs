using Google.Protobuf;

namespace Rollcall.Api
{
    /// <summary>What every bus event has: the tenant it belongs to. The proto full name is its name on the bus.</summary>
    public interface ITenantEvent : IMessage
    {
        string MspId { get; }
        string ClientId { get; }
    }
}

namespace Rollcall.Api.Directory.V1
{
    public partial class RosterChanged : ITenantEvent;

    public partial class ClientChanged : ITenantEvent;

    public partial class SyncHealthChanged : ITenantEvent;
}

namespace Rollcall.Api.Scope.V1
{
    public partial class ScopeChanged : ITenantEvent;
}

namespace Rollcall.Api.Assignment.V1
{
    public partial class AssignmentsChanged : ITenantEvent;
}

namespace Rollcall.Api.Ops.V1
{
    public partial class AlarmRaised : ITenantEvent;
}
