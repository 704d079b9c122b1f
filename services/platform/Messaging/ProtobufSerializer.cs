using System.Net.Mime;
using System.Runtime.Serialization;
using Google.Protobuf;
using MassTransit;
using MassTransit.Serialization;

namespace Rollcall.Platform;

/// <summary>
/// The body of a bus message is the event's protobuf bytes and nothing else, so that `buf breaking` guards the bus too.
/// The proto full name travels as a header and must match: protobuf would parse any bytes into any type.
/// </summary>
public sealed class ProtobufSerializer : ISerializerFactory, IMessageSerializer, IMessageDeserializer
{
    public ContentType ContentType { get; } = new("application/protobuf");

    public IMessageSerializer CreateSerializer() => this;

    public IMessageDeserializer CreateDeserializer() => this;

    public MessageBody GetMessageBody<T>(SendContext<T> context)
        where T : class
    {
        var message = (IMessage)(object)context.Message;
        context.Headers.Set(EventHeaders.ProtoType, message.Descriptor.FullName);
        if (context.MessageId is { } id)
        {
            context.Headers.Set(MessageHeaders.MessageId, id.ToString());
        }

        return new BytesMessageBody(message.ToByteArray());
    }

    public ConsumeContext Deserialize(ReceiveContext receiveContext) =>
        new BodyConsumeContext(
            receiveContext,
            Deserialize(receiveContext.Body, receiveContext.TransportHeaders, receiveContext.InputAddress)
        );

    public SerializerContext Deserialize(MessageBody body, Headers headers, Uri? destinationAddress = null)
    {
        var type = headers.Get<string>(EventHeaders.ProtoType);
        if (type is null || !Contracts.Messages.TryGetValue(type, out var descriptor))
        {
            throw new SerializationException($"Header {EventHeaders.ProtoType} names no known event");
        }

        try
        {
            var message = descriptor.Parser.ParseFrom(body.GetBytes());
            var context = new RawMessageContext(headers, destinationAddress, RawSerializerOptions.Default);
            return new ProtobufSerializerContext(this, context, message);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new SerializationException($"The body is no {type}", e);
        }
    }

    public MessageBody GetMessageBody(string text) => new BytesMessageBody(Convert.FromBase64String(text));

    public void Probe(ProbeContext context) =>
        context.CreateScope("protobuf").Add("contentType", ContentType.MediaType);

    private sealed class ProtobufSerializerContext(
        ProtobufSerializer serializer,
        MessageContext context,
        IMessage message
    )
        : BaseSerializerContext(
            SystemTextJsonMessageSerializer.Instance,
            context,
            [MessageUrn.ForTypeString(message.GetType())]
        )
    {
        public override bool IsSupportedMessageType<T>() => message is T;

        public override bool IsSupportedMessageType(Type messageType) => messageType.IsInstanceOfType(message);

        public override bool TryGetMessage<T>(out T? result)
            where T : class
        {
            result = message as T;
            return result is not null;
        }

        public override bool TryGetMessage(Type messageType, out object result)
        {
            result = message;
            return messageType.IsInstanceOfType(message);
        }

        public override IMessageSerializer GetMessageSerializer() => serializer;

        public override IMessageSerializer GetMessageSerializer<T>(MessageEnvelope envelope, T message) => serializer;

        public override IMessageSerializer GetMessageSerializer(object message, string[] messageTypes) => serializer;

        public override Dictionary<string, object> ToDictionary<T>(T? message)
            where T : class => [];
    }
}
